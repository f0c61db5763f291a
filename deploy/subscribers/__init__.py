"""Subscribers as examples, to be copied: each file stands alone, or needs `subscriber.py` beside it."""
