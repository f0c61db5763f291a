"""The worker: from fetched runs of records to committed transactions.

agents       hands each fetched run to the owner of its partition
app          puts the application together from the settings
caution      finds the record for which Kafka refuses a transaction
cleaning     deletes the transfers that a partition has applied
context      what all partitions of a worker share
decode       raw Kafka records to records of the engine
deployments  the rule sets of the group, as a partition reads them in its log
descriptors  whether the limit of open files is enough for the partitions
filling      fills measures of a partition from its history, beside its work
intake       queue of runs of one partition, with backpressure
ledger       records that are accepted and not committed: counts and latencies
memory       gives free memory back to the system
monitor      state and progress of a partition, for metrics and health
notices      records whose effect may surprise their sender, for the log and `segments why`
outbox       the effects of a partition as the records of one transaction
owner        the task of one partition: takes it over and serves it, anew after each failure
owners       all partitions of this worker, started and stopped as the group assigns them
past         the interface through which measures are filled from history
service      serves one partition: takes runs, advances the engine, commits
standing     progress of a partition through all of its take-overs
succession   which rule set a partition runs, and by which deployment it is filled
takeover     takes over a partition: fencing, restore, position
waits        how long a flip waited, and for what
watch        checks group membership, logins and topics; ends the worker if one of them is wrong
witness      detects input topics that were deleted and made again
"""
