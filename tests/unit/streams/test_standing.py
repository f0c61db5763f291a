"""What a worker knows of a partition's progress while profile sources come and go."""

from streams.worker.standing import Standing


def test_a_source_that_is_gone_has_no_lag_and_one_that_came_has_its_position():
    """A lag that can't go down would keep the partition from ever being at rest."""
    standing = Standing()
    standing.found({"profiles": 3, "profiles-crm": 4}, {"profiles": 3, "profiles-crm": 9})
    assert standing.oldest({}).keys() == {"profiles-crm"}
    standing.read_from({"profiles": 3, "profiles-scores": 0})
    standing.ends["profiles-scores"] = 2
    assert standing.lag() == {"profiles": 0, "profiles-scores": 2}
    assert standing.oldest({}).keys() == {"profiles-scores"}
    standing.read_from({"profiles": 3, "profiles-crm": 0})
    standing.ends["profiles-crm"] = 9
    assert standing.lag() == {"profiles": 0, "profiles-crm": 9}
