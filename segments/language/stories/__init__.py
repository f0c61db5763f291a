"""Stories: the examples of a rule, as text.

borders lines that publish a border
events  one line of a story as the record that a shop would send
reader  the text of the stories of a rule, read line by line
"""
