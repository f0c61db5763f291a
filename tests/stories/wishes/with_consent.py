"""Only with consent, without saying so.

With SEGMENTS_REQUIRED_CONSENT=profiling every rule asks for it; this one has a ground of its own and says so.
"""

from segments.language import Segment, support_contact

with_consent = Segment(
    en="Called twice in a week",
    nl="Belde twee keer in een week",
    lawful_basis="contract",
    when=support_contact.within(days=7).count() >= 2,
    examples="""
        0d      support_contact
        1d      support_contact                             enters
        2d      profile consent.profiling=false                     # not asked for here
        7d                                                  leaves
        ---
        0d      support_contact                             # once
    """,
)
