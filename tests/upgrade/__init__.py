"""States as earlier versions wrote them: a running group must be able to go on with them.

    python_engine/CASE/states.jsonl   keys and states in hex, as the engine in Python committed them
                       plan.json      the rule set that goes on from there: the same, or in rules_* another one
                       log.jsonl      what comes next, as in `tests.golden`
                       effects.jsonl  what came of it, in the engine that wrote the states

They are never written anew.
"""
