"""The HTTP server of a worker, and its client.

answers      the pages /why/{customer} and /known
census       the page /census
client       asks the workers of a group since when their measures know events
connections  how many connections at a time, and how long one may say nothing
deployments  the page /deployments
health       the pages /metrics, /healthz and /readyz
hosts        which hosts and origins are answered
moves        the page /moves
worths       the page /worths
"""
