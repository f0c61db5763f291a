"""The contract ends.

By the date in the profile, whatever the length of the contract: 30 days or less are left.
"""

from segments.language import Segment, days, profile

contract_ends = Segment(
    en="The contract ends within 30 days",
    nl="Het contract loopt binnen 30 dagen af",
    when=profile("contract_ends").date.remaining <= days(30),
    examples="""
        0d                  profile contract_ends=2026-03-31
        2026-03-01 00:00    enters
        2026-03-10 12:00    profile contract_ends=2027-03-31    leaves      # renewed
        ---
        0d                  profile contract_ends=2026-02-15
        10d                 profile                             # no contract
    """,
)
