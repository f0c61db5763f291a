"""Out of Kafka, into the tools that act.

members  who is in a segment, now or at an instant
"""
