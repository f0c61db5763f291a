"""Secrets in files are read again at each connection, and a refused login is told apart from one too early."""

import asyncio
import ssl
import subprocess
from contextlib import nullcontext

import pytest
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed
from kafka.net.sasl import get_sasl_mechanism

from streams.kafka.tls import tls_context
from streams.settings.types import FileSecret, current, secret
from streams.transport import logins as transport_logins
from streams.transport.authentication import Logins

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def file(tmp_path):
    """The file of a password."""
    written = tmp_path / "password"
    written.write_text("one\n")
    return written


def test_a_secret_of_a_file_is_as_the_file_is_now(file):
    """Read again it is what is there; a file that is gone, or half written, leaves what was read before."""
    found = secret(None, file)
    assert (found, current(found)) == ("one", "one")
    file.write_text("two\r\n")
    assert (found, current(found), current(current(found))) == ("one", "two", "two")
    file.write_bytes(b"\xff\xfe")
    assert current(found) == "one"
    file.unlink()
    assert current(found) == "one"
    assert current("plain") == "plain"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_each_login_of_a_command_reads_the_file(file, mechanism):
    """kafka-python makes a mechanism for each connection: it has the password of that moment."""
    config = {
        "sasl_plain_username": "ann",
        "sasl_plain_password": FileSecret.of(file),
        "sasl_mechanism": mechanism,
    }
    file.write_text("two\n")
    made = get_sasl_mechanism(mechanism)(**config)
    held = made.password if mechanism == "PLAIN" else made._scram_client.password
    assert held in ("two", b"two")


@pytest.fixture
def connecting(monkeypatch, file):
    """Logs in once, refused or not; what was shown, and what is noted."""

    def run(noted, error=None, meanwhile=None):
        shown = []

        async def create(_host, _port, **options):
            shown.append(options["sasl_plain_password"])
            if meanwhile is not None:
                file.write_text(meanwhile)
            if error is not None:
                raise error

        monkeypatch.setattr("streams.transport.authentication.create_conn", create)
        given = {"sasl_plain_password": FileSecret.of(file)}
        file.write_text("two\n")
        with nullcontext() if error is None else pytest.raises(type(error)):
            asyncio.run(noted.connect("localhost", 9092, **given))
        return shown

    return run


def test_a_refused_login_is_noted_until_one_succeeds(connecting):
    """The password is the file's of now; a broker that is away is no refusal, and a success ends one."""
    noted = Logins()
    assert connecting(noted, KafkaConnectionError("away")) == ["two"]
    assert noted.refused is None
    refusal = SaslAuthenticationFailed("no")
    connecting(noted, refusal)
    assert noted.refused is refusal
    connecting(noted, KafkaConnectionError("away"))
    assert noted.refused is refusal
    connecting(noted)
    assert noted.refused is None


def test_a_login_refused_while_the_file_changes_was_too_early(connecting):
    """Whoever rotates a password changes the broker first: the next connection has the new one."""
    noted = Logins()
    connecting(noted, SaslAuthenticationFailed("no"), meanwhile="three\n")
    assert noted.refused is None


def test_a_certificate_that_is_not_accepted_is_a_refusal(connecting):
    """An authority that does not vouch for the broker does not begin to by waiting."""
    noted = Logins()
    connecting(noted, ssl.SSLCertVerificationError("unknown authority"))
    assert noted.refused is not None


def test_aiokafka_connects_by_it():
    """Every client of aiokafka goes through what reads the file again."""
    import aiokafka.client

    assert aiokafka.client.create_conn == transport_logins.connect


def pair(folder, name):
    """A key and a certificate."""
    key, file = folder / "client.key", folder / "client.pem"
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", file)
    command = ("openssl", "req", "-x509", "-subj", f"/CN={name}", "-days", "2", *made)
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return file, key


def test_a_certificate_is_read_again_at_each_connection(tmp_path):
    """A new pair is shown to the next broker; a key that does not go with its certificate yet changes nothing."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.verify_mode = ssl.CERT_REQUIRED
    file, key = pair(tmp_path, "first")
    server.load_cert_chain(file, key)
    server.load_verify_locations(file)
    context = tls_context(("CA", None), ("CERT", file), key)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert shown(context, server) == "first"
    pair(tmp_path, "second")
    server.load_verify_locations(file)
    assert shown(context, server) == "second"
    before = key.read_bytes()
    key.write_bytes(b"half a key")
    assert shown(context, server) == "second"
    key.write_bytes(before)
    assert shown(context, server) == "second"


def shown(client, server):
    """The common name that a server sees of a client, over connections in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    subject = dict(part[0] for part in theirs.getpeercert()["subject"])
    return subject["commonName"]
