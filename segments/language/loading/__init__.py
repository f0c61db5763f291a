"""Rule files become segments.

load     folders and files to a rule set; refuses duplicates and cycles
mends    Python's own errors in a rule file, in words that say what to write
modules  executes rule files, with an import of their own
source   docstring, title and line of the stories of a rule file
"""
