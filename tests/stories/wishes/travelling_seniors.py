"""Travelling seniors.

65 or older by the date of birth, with travel among the interests of the profile. Show journeys with short walks.
"""

from segments.language import Segment, profile, years

travelling_seniors = Segment(
    en="65 or older and interested in travel",
    nl="65 jaar of ouder en geïnteresseerd in reizen",
    when=[profile("birth_date").date.age >= years(65), profile("interests").has("travel")],
    examples="""
        0d                  profile birth_date=1961-03-05 lists.interests=food,travel
        2026-03-05 00:00    enters                                      # the 65th birthday
        2026-04-01 00:00    profile birth_date=1961-03-05 lists.interests=food      leaves
        ---
        0d                  profile birth_date=1950-01-01 lists.interests=food      # old enough, stays at home
        1d                  profile birth_date=1990-01-01 lists.interests=travel
    """,
)
