"""Golden vectors: for each case the plan, a log, and what must come of it; read by pytest and by `cargo test`.

    plan.json      the rule set, as `segments.plan` writes it
    log.jsonl      the settings; then records; then, where a phase ends, the ends of the topics and the wall clock
    effects.jsonl  for each customer the segment events, memberships and what came of enters; then outcomes, offsets, clock, members and
                   dead letters of the partition

`python -m tests.golden` writes those anew that are told in `cases.py` and `linked.py`, if the oracle agrees. A difference is
a change of what is promised. The cases `drawn_*` were drawn at random by the generators of `tests/properties` as they were
then. `--draw` draws others, since the generators have changed: it is for when a promise has changed, or to meet what is new.
"""
