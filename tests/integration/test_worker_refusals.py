"""What a worker refuses at its start: one clear line, an exit code, and nothing consumed."""

import socket
import time

import pytest

from tests.integration.worker_log import Shop, behind, produce


@pytest.fixture
def group(environment) -> str:
    """The group of the workers of this test."""
    return environment["SEGMENTS_GROUP"]


@pytest.mark.timeout(120)
def test_a_wrong_rule_stops_it_before_it_has_consumed_anything(
    kafka, fresh_topics, run, tmp_path, group
) -> None:
    """File, line and mend on stderr, exit code 1, and no offset committed."""
    fresh_topics(1)
    sent = produce(kafka.address, Shop(seed=1).events(10, int(time.time() * 1000), 1))
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "broken.py").write_text('"""Broken."""\n\nfrom segments.language import nothing_like_this\n')
    ended = run("worker", env={"SEGMENTS_RULES": str(folder)})
    assert ended.returncode == 1
    assert "broken.py" in ended.stderr
    assert "3" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert behind(kafka.address, group) == sent


def test_a_missing_topic_is_refused_with_its_mend(kafka, run) -> None:
    """Without its topics a worker ends at once and names the command that makes them."""
    kafka.clear()
    ended = run("worker")
    assert ended.returncode == 1
    assert "segments topics create" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.timeout(120)
def test_a_port_that_is_taken_is_one_clear_line(fresh_topics, run) -> None:
    """It names the port and the option that chooses another one."""
    fresh_topics(1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("worker", "--http-port", str(port))
    assert ended.returncode == 1
    assert str(port) in ended.stderr
    assert "--http-port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_wrong_option_is_refused(run) -> None:
    """An unknown option ends with exit code 2, and the help tells the ones there are."""
    assert run("worker", "--nonsense").returncode == 2
    shown = run("worker", "--help")
    assert shown.returncode == 0
    assert "--http-port" in shown.stdout
