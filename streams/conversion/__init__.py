"""CSV files of a shop's own, made into the records of the input topics.

mapping  which column of a table is which field of a record
rows     the rows of a table as JSON lines
values   the cells of a table: instants, amounts, numbers, yes and no
"""
