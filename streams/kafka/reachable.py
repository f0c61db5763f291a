"""Whether somebody listens at an address, host:port: asked before a client is made, which would try for seconds."""

import socket


def refusal(address: str, seconds: float) -> str | None:
    """Why nobody accepts connections there, None if somebody does."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except OSError as error:
        return error.strerror or str(error)
    return None
