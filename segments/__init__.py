"""The segments of the shop, one file each, and the language and engine behind them."""
