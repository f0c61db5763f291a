"""Detractor.

The latest answer to the survey in a quarter is a six or less. Call, do not mail.
"""

from segments.language import Segment, event

answer = event("survey", en="answers to the survey", nl="antwoorden op de enquête")

detractor = Segment(
    en="Gave the shop a six or less",
    nl="Gaf de winkel een zes of minder",
    when=answer.within(days=90).last(answer.attributes["score"].number) <= 6,
    examples="""
        0d      survey attributes.score=6       enters
        5d      survey attributes.score=10      leaves      # as a text, 10 would be before 6
        6d      survey attributes.score=9                   # content
        7d      survey attributes.score=0       enters
        97d                                     leaves
        ---
        0d      survey attributes.score=7                   # a seven is no six
    """,
)
