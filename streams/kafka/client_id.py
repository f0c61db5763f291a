"""A worker's Kafka client id: `name/digest of its rules;format of plans@host:port of its HTTP server`.

The broker knows the members of the group by it, so they are their own directory.
"""

import re

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
"""A host or an address, and a port: nothing that would make a URL of something else."""


def identity(name: str, digest: str, answers_at: str, plans: int | None = None) -> str:
    """A client id that tells which rules its worker holds, up to which format it reads plans, and where it answers."""
    told = "" if plans is None else f";{plans}"
    return f"{name}/{digest}{told}@{answers_at}"


def address(client_id: str) -> str | None:
    """Where a member of the group answers, by its client id."""
    _, _, where = client_id.rpartition("@")
    return where if _ADDRESS.fullmatch(where) else None


def rules_of(client_id: str) -> str | None:
    """The digest of the rules that a member of the group holds, by its client id."""
    name, at, _ = client_id.rpartition("@")
    return name.rpartition("/")[2].partition(";")[0] if at else None


def plans_of(client_id: str) -> int | None:
    """The format up to which a member of the group reads plans, by its client id; None: it tells none."""
    told = client_id.rpartition("@")[0].rpartition("/")[2].partition(";")[2]
    return int(told) if told.isascii() and told.isdecimal() else None
