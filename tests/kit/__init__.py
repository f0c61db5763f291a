"""What tests of several folders share; no test imports from a test module.

broken   bytes that are not the record they should be
records  records as bytes, read and written by a client that is none of ours
rules    rules that several tests use
stories  stories lived by the oracle
values   values at random that fit a schema
"""
