"""Addresses that a name leads to, and the names of segments in the file of destinations."""

import asyncio
import socket

import pytest

from streams.cli.deliver import unknown_segments
from streams.delivery.config import Destination
from streams.delivery.sending import PrivateAddressError, _Guard


def resolved(monkeypatch, host, *addresses, allow=False):
    """What a guard makes of a name that the machine's resolver knows by these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: found)

    async def ask():
        guard = _Guard(Destination("crm", "https://crm.example.org", ("s",), allow_private=allow))
        return [each["host"] for each in await guard.resolve(host, 443)]

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("host", "addresses", "refused"),
    [
        ("crm.example.org", ["93.184.215.14"], None),
        ("crm.example.org", ["10.1.2.3"], "10.1.2.3"),
        ("crm.example.org", ["93.184.215.14", "169.254.169.254"], "169.254.169.254"),
        ("crm.example.org", ["127.0.0.1"], "127.0.0.1"),
        ("localhost", ["127.0.0.1"], None),
        ("localhost", ["93.184.215.14"], "93.184.215.14"),
    ],
)
def test_a_name_that_leads_into_a_private_network_is_refused(monkeypatch, host, addresses, refused):
    """By one address of several, too; a name of others may not lead to this machine, nor this machine's elsewhere."""
    if refused is None:
        assert resolved(monkeypatch, host, *addresses) == addresses
        return
    with pytest.raises(PrivateAddressError, match=f"{host} leads to {refused}.*allow_private = true"):
        resolved(monkeypatch, host, *addresses)
    assert resolved(monkeypatch, host, *addresses, allow=True) == addresses


def test_a_segment_that_is_no_rule_is_told_with_the_one_that_may_be_meant():
    """Nothing would ever be sent of it; a destination of all segments names none."""
    both = [
        Destination("crm", "", ("s",), segments=frozenset({"high_valu", "cart_abandoned", "zzz"})),
        Destination("all", "", ("s",)),
    ]
    assert list(unknown_segments(both, {"high_value", "cart_abandoned"})) == [
        "[crm] segments: no rule high_valu is deployed or in SEGMENTS_RULES: did you mean high_value?",
        "[crm] segments: no rule zzz is deployed or in SEGMENTS_RULES",
    ]
