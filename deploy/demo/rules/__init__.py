"""Rules of the demo alone, beside those that are shipped.

cart_reminder  a cart left alone, with a control group
"""
