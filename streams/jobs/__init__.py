"""Commands that work on whole topics or groups, and end.

backfill      fills new measures of a group from the input topics
dead_letters  reads dead letters and sends them again
reset         makes a group forget everything
trial         tries a rule on past records
"""
