"""The schema registry.

client    HTTP requests to a registry
lookup    resolves unknown schema ids while a worker runs
registry  registers our schemas and resolves ids
"""
