"""What is produced again to other partitions: everything but erasures, what they erased, and what was broken."""

import json

from deploy.dev.moving import INPUTS, main


def test_erasures_are_left_out_with_what_they_erased(tmp_path, capsys):
    """Ada was erased at 10:00: what she did before is not sent again, what she did since is; the order stays."""
    at = "2026-11-22T{}:00.000Z".format
    lines = {
        "clickstream": [
            {"customer_id": "ada", "occurred_at": at("09:59"), "event_id": "old"},
            {"customer_id": "bob", "occurred_at": at("09:00"), "event_id": "other"},
            {"customer_id": "ada", "occurred_at": at("10:01"), "event_id": "new"},
            {"customer_id": "eve", "value": "AAAA", "error": "undecodable: nothing"},
            {"customer_id": "eve", "occurred_at": at("10:02"), "key": "mallory", "event_id": "mismatch"},
        ],
        "transactions": [],
        "profiles": [
            {"customer_id": "ada", "erase": True, "timestamp": at("08:00")},
            {"customer_id": "ada", "occurred_at": at("09:30"), "event_id": "profile"},
            {"customer_id": "ada", "erase": True, "timestamp": at("10:00")},
        ],
    }
    for topic in INPUTS:
        text = "".join(json.dumps(line) + "\n" for line in lines[topic])
        (tmp_path / f"{topic}.jsonl").write_text(text)
    main(tmp_path)
    kept = {topic: (tmp_path / f"{topic}.jsonl").read_text().splitlines() for topic in INPUTS}
    assert [json.loads(line)["event_id"] for line in kept["clickstream"]] == ["other", "new"]
    assert kept["transactions"] == kept["profiles"] == []
    assert "clickstream: 2 lines kept, 3 left out" in capsys.readouterr().out
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(f"{topic}.jsonl" for topic in INPUTS)
