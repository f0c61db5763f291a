"""Requests to a schema registry, against a server of this test: what each answer means, and who is let in."""

import json
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import schemas
from schemas import records, wire
from streams.cli.settings import rows, table
from streams.errors import RegistryAway, RegistryError, RegistryUnusable, SettingsError
from streams.registry.client import LARGEST, RegistryClient, registry_client
from streams.registry.registry import Registry
from streams.settings.settings import read_settings

pytestmark = pytest.mark.timeout(60)
NO_SCHEMA = {"error_code": 40403, "message": "Schema not found"}


@contextmanager
def server(status=200, answer=b"{}", context=None, seen=None, subjects=None):
    """Answers every request in this way, one for the subjects of an id in that, and notes path, login and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length", 0))
            if seen is not None:
                seen.append((self.path, self.headers.get("Authorization"), self.rfile.read(length)))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", answer.decode())
            self.end_headers()
            of_subjects = self.path.endswith("/subjects") and subjects is not None
            self.wfile.write(json.dumps(subjects).encode() if of_subjects else answer)

        do_POST = do_PUT = do_GET  # noqa: N815 - as http.server calls them

        def log_message(self, *_arguments):
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_arguments):
            """A client that is not let in is no news."""

    with Server(("127.0.0.1", 0), Handler) as running:
        if context is not None:
            running.socket = context.wrap_socket(
                running.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http{'' if context is None else 's'}://localhost:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "answer", "error", "words"),
    [
        (503, b"{}", RegistryAway, "HTTP status 503"),
        (429, b"{}", RegistryAway, "HTTP status 429"),
        (200, b"<html>", RegistryAway, "no JSON object"),
        (200, b"[]", RegistryAway, "no JSON object"),
        (401, b"{}", RegistryError, "SEGMENTS_REGISTRY_USER"),
        (403, b"{}", RegistryError, "SEGMENTS_REGISTRY_PASSWORD"),
        (404, b"<html>", RegistryError, "SEGMENTS_REGISTRY_URL needs the whole path"),
        (
            409,
            b'{"error_code": 409, "message": "Incompatible"}',
            RegistryUnusable,
            "refused GET /x: Incompatible",
        ),
        (422, b"not from a registry", RegistryError, "refused GET /x: HTTP status 422"),
        (200, b" " * LARGEST + b"{}", RegistryUnusable, f"longer than {LARGEST} bytes"),
    ],
)
def test_an_answer_that_is_none(status, answer, error, words):
    """A registry that can't answer now is away; one that refuses, or is none, is an error that says what to mend."""
    with server(status, answer) as url, pytest.raises(error, match=words):
        RegistryClient(url).ask("GET", "/x")


def test_only_the_registry_itself_knows_that_there_is_no_such_id():
    """Its own code says so; a page not found elsewhere must not make dead letters of good records."""
    with server(404, json.dumps(NO_SCHEMA).encode()) as url:
        assert RegistryClient(url).ask("GET", "/schemas/ids/7") is None


def test_nobody_there_and_nobody_answering():
    """A closed port and a server that never says a word: away, within the time-out."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(RegistryAway, match="timed out"):
            RegistryClient(url, seconds=0.3).ask("GET", "/x")
        assert time.monotonic() - began < 5
    with pytest.raises(RegistryAway, match="refused"):
        RegistryClient(url).ask("GET", "/x")


def settings(monkeypatch, **variables):
    """The settings of an environment."""
    for name, value in variables.items():
        monkeypatch.setenv(f"SEGMENTS_REGISTRY_{name}", str(value))
    return read_settings()


def test_the_login_comes_from_settings_files_or_the_url(monkeypatch, tmp_path):
    """Basic authentication; the secret is in no message, and no redirection takes it to another server."""
    file = tmp_path / "password"
    file.write_text("hush:hush\n")
    seen, elsewhere = [], []
    with (
        server(401, b"{}", seen=elsewhere) as other,
        server(307, f"{other}/x".encode(), seen=seen) as url,
    ):
        client = registry_client(settings(monkeypatch, URL=url, USER="me", PASSWORD_FILE=file))
        assert "hush" not in repr(client)
        with pytest.raises(RegistryError) as refused:
            client.ask("GET", "/x")
    assert seen[0][1] == "Basic bWU6aHVzaDpodXNo"
    assert [login for _, login, _ in elsewhere] == [None]
    assert "hush" not in str(refused.value)
    monkeypatch.delenv("SEGMENTS_REGISTRY_USER")
    monkeypatch.delenv("SEGMENTS_REGISTRY_PASSWORD_FILE")
    client = registry_client(settings(monkeypatch, URL="https://me:hu%20sh@localhost:1/api/"))
    assert (client.url, client.login) == ("https://localhost:1/api", ("me", "hu sh"))
    with pytest.raises(RegistryAway) as away:
        client.ask("GET", "/x")
    assert "hu" not in str(away.value).partition("(")[0].replace("https", "")


def test_a_key_in_the_url_is_sent_and_never_shown(monkeypatch):
    """`?apikey=` goes with each request, after its path; no message, no list of settings and no log has it."""
    seen = []
    answer = b'{"error_code": 500, "message": "GET /x?apikey=hush99 failed"}'
    with server(422, answer, seen=seen) as url:
        read = settings(monkeypatch, URL=f"{url}/api/?apikey=hush99")
        client = registry_client(read)
        assert client.url == f"{url}/api"
        with pytest.raises(RegistryError) as refused:
            client.ask("GET", "/schemas/ids/7")
    assert seen[0][0] == "/api/schemas/ids/7?apikey=hush99"
    with pytest.raises(RegistryAway) as away:
        client.ask("GET", "/x")
    listed = "\n".join(table(rows(read)))
    for told in (str(refused.value), str(away.value), repr(client), listed):
        assert "hush99" not in told
    assert any("hush99" in secret for secret in read.secrets)
    monkeypatch.setenv("SEGMENTS_REGISTRY_URL", "ftp://localhost?apikey=hush99")
    with pytest.raises(SettingsError) as wrong:
        read_settings()
    assert "hush99" not in str(wrong.value)


def certificate(folder, name, signer=None):
    """A key and a certificate for localhost, signed by another one or by itself; the path of the certificate."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    sign = ["-CA", folder / f"{signer}.pem", "-CAkey", folder / f"{signer}.key"] if signer else []
    for_hosts = ["-addext", "subjectAltName=DNS:localhost"] if signer else []
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", file]
    command = ["openssl", "req", "-x509", "-subj", f"/CN={name}", "-days", "2", *made, *sign, *for_hosts]
    subprocess.run(command, check=True, capture_output=True)
    return file


def test_tls_with_certificates_on_both_sides(monkeypatch, tmp_path):
    """The registry's certificate must be vouched for, ours is shown, and without ours it does not let us in."""
    for name, signer in (("ca", None), ("registry", "ca"), ("worker", "ca")):
        certificate(tmp_path, name, signer)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    context.load_cert_chain(tmp_path / "registry.pem", tmp_path / "registry.key")
    context.verify_mode = ssl.CERT_REQUIRED
    ours = {"CERT": tmp_path / "worker.pem", "KEY": tmp_path / "worker.key"}
    with server(200, b'{"id": 7}', context) as url:
        with pytest.raises(RegistryAway, match="CERTIFICATE_VERIFY_FAILED"):
            registry_client(settings(monkeypatch, URL=url)).ask("GET", "/x")
        with pytest.raises(RegistryAway):
            registry_client(settings(monkeypatch, CA=tmp_path / "ca.pem")).ask("GET", "/x")
        client = registry_client(settings(monkeypatch, **ours))
        assert client.ask("GET", "/x") == {"id": 7}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"USER": "me"}, "SEGMENTS_REGISTRY_PASSWORD: .*came nothing"),
        ({"PASSWORD": "hush"}, "SEGMENTS_REGISTRY_PASSWORD: .*came no user"),
        ({"CERT": __file__}, "SEGMENTS_REGISTRY_CERT: expected together with SEGMENTS_REGISTRY_KEY"),
        ({"CERT": __file__, "KEY": __file__, "URL": "https://x"}, "SEGMENTS_REGISTRY_CERT: .*in PEM"),
        ({"CA": __file__, "URL": "https://x"}, "SEGMENTS_REGISTRY_CA: .*in PEM"),
        ({"URL": "ftp://me:hush@x"}, "SEGMENTS_REGISTRY_URL: expected an http.s. URL"),
    ],
)
def test_settings_that_do_not_fit(monkeypatch, given, words):
    """Each is refused with the variable's name, and without the secret."""
    with pytest.raises(SettingsError, match=words) as refused:
        registry_client(settings(monkeypatch, **given))
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"schemaType": "PROTOBUF", "schema": "x"}, "is not compatible with Click: a schema of PROTOBUF"),
        ({"schema": '"long"'}, "is not compatible with Click: Click: long where Click is needed"),
        ({"schema": "{"}, "no schema in the registry's answer"),
        ({"schema": '"a.B"', "references": [{}]}, "refers to other subjects"),
    ],
)
def test_what_the_registry_holds_may_be_anything(answer, words):
    """A schema that can't be read as ours is settled all the same, once for all, with the reason."""
    with server(200, json.dumps(answer).encode()) as url:
        registry = Registry(RegistryClient(url))
        assert words in registry.learn("clickstream", 8001)
    assert registry.unsettled("clickstream", [wire.header(8001) + b"..."]) == []
    schemas.renumber({release: release.id for release in records.releases()})


def test_an_unknown_id_is_asked_about_once_a_minute(monkeypatch):
    """Not for each record; and again later, since somebody may have registered it."""
    seen, value, now = [], wire.header(8002) + b"...", [1000.0]
    monkeypatch.setattr("streams.registry.registry.time.monotonic", lambda: now[0])
    with server(404, json.dumps(NO_SCHEMA).encode(), seen=seen) as url:
        registry = Registry(RegistryClient(url))
        assert registry.unsettled("clickstream", [value, None, value, b"\x01", b""]) == [8002]
        registry.learn_all("clickstream", [value] * 10)
        registry.learn_all("clickstream", [value] * 10)
        assert len(seen) == 1
        now[0] += 61
        assert registry.unsettled("clickstream", [value]) == [8002]


def click_schema():
    """An answer of the registry with the schema of a click."""
    return json.dumps({"schema": json.dumps(records.schema("Click"))}).encode()


@pytest.fixture
def our_ids():
    """The ids are the shipped ones again when the test is over."""
    yield
    schemas.renumber({release: release.id for release in records.releases()})


@pytest.mark.usefixtures("our_ids")
def test_an_id_of_another_subject_is_refused_until_it_is_registered_for_ours(monkeypatch):
    """A schema that fits by chance is no permission to write: the header names the subjects; asked again in a minute."""
    now, data = [1000.0], wire.header(8003) + b"..."
    monkeypatch.setattr("streams.registry.registry.time.monotonic", lambda: now[0])
    subjects = ["shop-orders-value"]
    with server(200, click_schema(), subjects=subjects) as url:
        registry = Registry(RegistryClient(url))
        registry.learn_all("clickstream", [data])
        with pytest.raises(
            schemas.DecodeError, match="is of shop-orders-value, not of clickstream-value"
        ) as refused:
            schemas.decode("Click", data)
        assert refused.value.reason == "unknown_schema"
        assert registry.unsettled("clickstream", [data]) == []
        subjects.append("clickstream-value")
        now[0] += 61
        registry.learn_all("clickstream", [data])
        assert registry.unsettled("clickstream", [data]) == []
        with pytest.raises(schemas.DecodeError, match="ends early"):
            schemas.decode("Click", data)


@pytest.mark.usefixtures("our_ids")
def test_a_registry_that_can_not_tell_subjects_is_believed():
    """Older ones have no such question: the record's name and fields decide alone."""
    with server(200, click_schema()) as url:
        assert Registry(RegistryClient(url)).learn("clickstream", 8004) is None


@pytest.mark.usefixtures("our_ids")
@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, b" " * LARGEST + b"{}"), (406, b'{"error_code": 40601, "message": "no such form"}')],
)
def test_an_answer_that_can_not_be_used_refuses_the_records(status, answer):
    """The partition does not wait for what this registry says of an id: its records are `unknown_schema`."""
    data = wire.header(8005) + b"..."
    with server(status, answer) as url:
        registry = Registry(RegistryClient(url))
        registry.learn_all("clickstream", [data])
    assert registry.unsettled("clickstream", [data]) == []
    with pytest.raises(schemas.DecodeError, match="can't be found out") as refused:
        schemas.decode("Click", data)
    assert refused.value.reason == "unknown_schema"


@pytest.mark.usefixtures("our_ids")
@pytest.mark.parametrize(
    "kind",
    [
        ["string"] * 3_000,
        {"type": "fixed", "name": "Odd", "size": -1},
        {"type": "map", "values": [[[]]]},
        3.5,
    ],
)
def test_no_schema_stops_a_partition(kind):
    """Whatever the registry holds for an id, it is settled at once and in words."""
    schema = records.schema("Click") | {"fields": [{"name": "kind", "type": kind}]}
    with server(
        200, json.dumps({"schema": json.dumps(schema)}).encode(), subjects=["clickstream-value"]
    ) as url:
        registry = Registry(RegistryClient(url))
        assert "is not compatible with Click" in registry.learn("clickstream", 8006)
    assert registry.unsettled("clickstream", [wire.header(8006) + b"..."]) == []
