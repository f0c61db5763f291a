"""What tests of several folders share; no test imports from a test module.

broken     bytes that are not the record they should be
consumers  consumers by another client than ours
console    a console with the rules and topics of a test
lives      a worker that lives through a log in any steps
records    records as bytes, read and written by a client that is none of ours
reports    what reports are computed of
rules      rules that several tests use
stories    stories lived by the oracle
values     values at random that fit a schema
"""
