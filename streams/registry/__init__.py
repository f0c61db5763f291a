"""The schema registry.

client    HTTP requests to a registry
lookup    resolves unknown schema ids while a worker runs
readable  the ids that this process can read
registry  registers our schemas and resolves ids
"""
