"""What we ask and tell Kafka outside of the data path.

client_id       the client id of a worker: name, rules, HTTP address
closing         closing connections without waiting for the broker
connection      connection arguments for both client libraries
group           the members of a consumer group: who owns what, which rules they hold
login           whether the brokers accept our credentials
offsets         end offsets and offsets by time
passwords       logs in by what the file of a secret has now
permissions     what a worker must be allowed to do
reachable       whether anybody listens at an address
read_committed  the committed records of a topic, read without a group
retention       whether the inputs keep records as long as the rules need them
tls             TLS contexts from the settings
topic_notes     telling a group to read a topic that was made again
topics          our topics: created, checked
"""
