"""The committed state of a partition's customers.

restore  reads a changelog into a store
stores   stores in memory and in RocksDB
table    the Faust table of the customers
"""
