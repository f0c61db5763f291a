"""Out of Kafka, into the tools that act: who is in a segment, and `segments deliver`.

channel   the deliveries to one destination: decided, sent, settled
config    the file of destinations
customers who agrees to what and who was erased, by all ids of a customer
feed      the segment events, read by a consumer group for each destination
flip      an enter or exit on its way
lanes     who is next: order for each customer, schedule, token bucket, positions
ledger    what a destination was sent of whom, in a file
letters   flips that were given up, in delivery-dead-letters
members   who is in a segment, now or at an instant
messages  bodies and signatures: Standard Webhooks, CloudEvents, Segment
policy    whether a flip is sent at all
repair    all memberships at once, and the repair of a destination's list
sending   requests, and what their answers mean
server    metrics and health
service   all destinations of one process
timing    the clock
view      memberships, consents and erasures as they are
words     what a receiver answered, fit for a log
"""
