"""Checks that an address, host:port, accepts connections, before a client is made that would try for seconds."""

import socket


def refusal(address: str, seconds: float) -> str | None:
    """The error if no broker accepted a connection; None if one did."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
