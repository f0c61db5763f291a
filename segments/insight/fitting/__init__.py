"""Models of purchases, fitted to what customers did: MBG/NBD for when they buy, Gamma-Gamma for how much they spend.

buyers      the purchase days of each customer in the window
likelihood  the maximum of the likelihood of both models
model_file  the fit and its check as the content of a model's file
picture     the model and its check as an SVG
purchases   the purchases of each customer, taken from a history
readers     which purchases, as the rules that read a model say
"""
