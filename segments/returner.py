"""Returner.

Sent back at least three articles in half a year. Often a question of size or of
photographs, seldom of bad will: show the fit guide and other customers' photos,
and leave them out of campaigns with free returns.
"""

from segments.language import Segment, refund

returned = refund.items

returner = Segment(
    en="Returned at least three articles in half a year",
    nl="Minstens drie artikelen geretourneerd in een half jaar",
    when=returned.within(days=180).sum(returned.quantity) >= 3,
    examples="""
        0d      purchase amount=120 product_id=coat,shoes price=80,40
        5d      refund amount=80 product_id=coat price=80
        20d     refund amount=80 product_id=shoes price=40 quantity=2    enters
        185d                                                             leaves
        ---
        0d      refund product_id=coat
        30d     refund product_id=shoes
        180d    refund product_id=shirt                                  # the first is half a year ago
        ---
        0d      refund amount=10                                         # a courtesy: nothing came back
    """,
)
