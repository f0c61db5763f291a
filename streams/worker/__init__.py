"""The worker: from fetched runs of records to committed transactions.

agents       hands each fetched run to the owner of its partition
app          puts the application together from the settings
caution      finds the record for which Kafka refuses a transaction
cleaning     deletes the transfers that a partition has applied
context      what all partitions of a worker stand on
decode       raw Kafka records to records of the engine
deployments  the rule sets of the group in the log of a partition
descriptors  whether the limit of open files is enough for the partitions
filling      measures of a partition are filled from its history beside its work
intake       queue of runs of one partition, with backpressure
ledger       what is processed but not committed: counts and latencies
monitor      how a partition is doing, for metrics and health
notices      what records did otherwise than their sender may have meant
outbox       the effects of a partition as the records of one transaction
owner        the task of one partition: takes it over and serves it, anew after each failure
owners       all partitions of this worker, started and stopped as the group assigns them
past         the history of a partition, as it is asked for
service      serves one partition: takes runs, advances the engine, commits
standing     how far a partition is, through all of its take-overs
succession   which rule set a partition runs, and by which deployment it is filled
takeover     takes over a partition: fencing, restore, position
waits        how long a flip waited, and for what
watch        whether the group, the logins and the topics let the worker go on
witness      whether the inputs are the topics that were read
"""
