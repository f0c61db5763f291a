"""Everything that knows Kafka: the worker, the commands, and what they need.

cli        the command `segments`: one file for each subcommand
console    pages for everyone
conversion tables of a shop's own, made into records of the input topics
deployments rule sets that go live
delivery   members of segments, for the tools that act
history    past records, from files or topics
http       the HTTP server of a worker, and its client
jobs       commands that work on whole topics or groups, and end
kafka      what we ask and tell Kafka outside of the data path
local      the local broker for development and tests
registry   the schema registry
report     what came of segments
settings   environment variables that begin with SEGMENTS_
store      the committed state of a partition's customers
telemetry  metrics
transport  overrides of private parts of Faust, mode and aiokafka
worker     from fetched records to committed transactions

clock      the only module that reads the wall clock
errors     the errors that end a command with one line
"""
