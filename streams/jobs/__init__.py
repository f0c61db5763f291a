"""Commands that work on whole topics or groups, and end.

dead_letters  reads dead letters and sends them again
export        reads all that topics hold of one customer
fit           where a fitted model is written
foresee       whom a change of rules would move, by the history
past          reads the history of a partition, to fill measures from it
reset         makes a group forget everything
trial         tries a rule on past records
trial_of_all  tries all rules at once
trial_borders  the borders that a rule is tried with
"""
