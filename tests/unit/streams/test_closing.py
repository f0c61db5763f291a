"""Connections are closed without waiting for the other side."""

import asyncio
import socket
import ssl
import subprocess
import threading
from contextlib import suppress

from streams.kafka import closing

REQUEST = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]


def test_what_takes_long_goes_on_by_itself():
    """Whoever closes goes on although the broker does not answer; the connection is closed once it does."""

    async def close() -> list[str]:
        told, answered = [], asyncio.Event()

        async def slow() -> None:
            await answered.wait()
            told.append("closed")

        await closing.closed(slow())
        told.append("went on")
        answered.set()
        await asyncio.gather(*closing._closing)
        return told

    assert asyncio.run(close()) == ["went on", "closed"]


def test_what_fails_is_not_raised():
    """A connection that breaks while it is closed is closed."""

    async def close() -> None:
        async def broken() -> None:
            raise ConnectionResetError

        await closing.closed(broken())

    asyncio.run(close())


def test_tls_that_is_never_closed_by_the_other_side(tmp_path):
    """The server reads nothing after the handshake, as a broker with an open fetch: asyncio alone waits 30 seconds."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [*REQUEST, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    over = threading.Event()

    async def close() -> bool:
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        server = threading.Thread(target=_serve, args=(context, port, asyncio.get_running_loop(), over))
        server.start()
        client = ssl.create_default_context(cafile=str(certificate))
        _, writer = await asyncio.open_connection("localhost", await port, ssl=client)
        writer.close()
        await closing.closed(writer.wait_closed())
        open_still = bool(closing._closing)
        over.set()
        await asyncio.gather(*closing._closing, return_exceptions=True)
        server.join()
        return open_still

    assert asyncio.run(close())


def _serve(context, port, loop, over) -> None:
    with socket.create_server(("localhost", 0)) as listener:
        loop.call_soon_threadsafe(port.set_result, listener.getsockname()[1])
        accepted, _ = listener.accept()
        with suppress(OSError), context.wrap_socket(accepted, server_side=True):
            over.wait(20)
