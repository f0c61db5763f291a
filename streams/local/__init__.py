"""The local Kafka broker for development, tests and the demo. Production code imports nothing of it.

broker  starts and stops a single-node broker
maven   fetches what a pom.xml names, once, into a cache
"""
