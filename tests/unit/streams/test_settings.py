"""Settings come from the environment, and a wrong one is named before anything is done."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli.settings import default_in_words, rows
from streams.errors import SettingsError
from streams.kafka.connection import connection, security_protocol
from streams.settings.settings import Settings, about, read_settings, variable

pytestmark = pytest.mark.timeout(30)

PROMISED = (
    *("BROKERS", "RULES", "GROUP", "STORE", "CLOCK", "GRACE", "CURRENCY", "CUSTOMER_LIMIT", "DATA_DIR"),
    "REGISTRY_URL",
)


@pytest.fixture
def given(monkeypatch, tmp_path):
    """Reads settings from an environment that has only these variables."""

    def read(**variables: str) -> Settings:
        for name in [name for name in os.environ if name.startswith("SEGMENTS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("SEGMENTS_DATA_DIR", str(tmp_path))
        for name, value in variables.items():
            monkeypatch.setenv(f"SEGMENTS_{name}", value)
        return read_settings()

    return read


def test_settings_have_their_defaults(given):
    """With nothing set a worker finds the shipped rules and the usual broker."""
    settings = given()
    assert (settings.brokers, settings.group, settings.clock) == ("localhost:9092", "segments", "wall")
    assert (settings.grace, settings.currency, settings.customer_limit) == (2_000, "EUR", 10_000)
    assert [folder.name for folder in settings.rules] == ["segments"]
    assert {variable(name) for name in Settings.model_fields} >= {f"SEGMENTS_{name}" for name in PROMISED}


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "gehe\u00efm", "tab\t", "\x7f"])
@pytest.mark.parametrize("in_a_file", [True, False])
def test_a_token_that_no_header_carries_is_refused(given, tmp_path, token, in_a_file):
    """Spaces, control characters and letters beyond ASCII would be changed or refused on the way: said at the start."""
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    name, value = ("HTTP_TOKEN_FILE", str(file)) if in_a_file else ("HTTP_TOKEN", token)
    with pytest.raises(
        SettingsError, match=rf"^SEGMENTS_{name}: expected a token of visible ASCII"
    ) as refused:
        given(**{name: value})
    assert token not in str(refused.value)
    assert given(HTTP_TOKEN="aB3+/=._~-").why_token == "aB3+/=._~-"


def test_a_token_file_of_bytes_is_refused(given, tmp_path):
    """A file that is not UTF-8 holds no token; its variable is named."""
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"^SEGMENTS_HTTP_TOKEN_FILE: expected a token of visible ASCII"):
        given(HTTP_TOKEN_FILE=str(file))


def test_each_setting_says_what_it_means(given):
    """A meaning, what is expected, and a default that is the same on every machine."""
    for name, field in Settings.model_fields.items():
        assert about(field).meaning.endswith("."), name
        assert about(field).expected, name
        assert str(Path.home()) not in default_in_words(field), name
    for row in rows(given()):
        assert row.value, row.variable


WRONG = [
    ("GRACE", "-1", "milliseconds, 0 or more"),
    ("GRACE", "2s", "milliseconds, 0 or more"),
    ("CURRENCY", "euro", "three capital letters"),
    ("CURRENCY", "eur", "three capital letters"),
    ("STORE", "disk", "memory or rocksdb"),
    ("CLOCK", "Wall", "wall or event"),
    ("CUSTOMER_LIMIT", "0", "1 or more"),
    ("BROKERS", "localhost", "host:port"),
    ("BROKERS", "a:1,,b:2", "host:port"),
    ("BROKERS", "a:65536", "host:port"),
    ("RULES", "/no/such/folder", "folders that exist"),
    ("GROUP", "with space", "letters"),
    ("HTTP_PORT", "65536", "0 to 65535"),
    ("REGISTRY_URL", "registry:8081", "an http(s) URL"),
    ("SECURITY_PROTOCOL", "TLS", "PLAINTEXT, SSL"),
    ("TLS_CA_FILE", "/no/such/file", "a file that exists"),
    ("PARTITIONS", "0", "1 or more"),
    ("SESSION_TIMEOUT", "10", "1000 or more"),
]


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_a_wrong_value_is_one_line(given, name, value, expected):
    """With the variable, what was expected and what came."""
    with pytest.raises(SettingsError) as refused:
        given(**{name: value})
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith(f"SEGMENTS_{name}: expected ")
    assert expected in line
    assert line.endswith(f"came '{value}'")


def test_a_worker_may_lack_its_rule_files(given, monkeypatch):
    """What is deployed needs none: the folder is taken as it is, and all else is still checked."""
    given()
    monkeypatch.setenv("SEGMENTS_RULES", "/no/such/folder")
    assert [folder.name for folder in read_settings(rules_may_be_missing=True).rules] == ["folder"]
    monkeypatch.setenv("SEGMENTS_GRACE", "x")
    with pytest.raises(SettingsError, match="SEGMENTS_GRACE: expected"):
        read_settings(rules_may_be_missing=True)


def test_an_unknown_variable_is_named_with_the_nearest(given):
    """A typing error is not silently the default."""
    with pytest.raises(
        SettingsError, match=r"^SEGMENTS_CURENCY: unknown setting, did you mean SEGMENTS_CURRENCY"
    ):
        given(CURENCY="EUR")


def test_all_that_is_wrong_is_told_at_once(given):
    """One line for each."""
    with pytest.raises(SettingsError) as refused:
        given(GRACE="x", STORE="y", UNHEARD_OF="z")
    assert len(str(refused.value).splitlines()) == 3


def test_an_empty_variable_counts_as_unset(given):
    """As compose files and shells write it."""
    assert given(GRACE="", BROKERS="").grace == 2_000


@pytest.mark.parametrize("separator", [os.pathsep, ",", " , "])
def test_rules_may_be_several_folders(given, tmp_path, separator):
    """Separated as in PATH, or by commas."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    assert given(RULES=separator.join(map(str, folders))).rules == tuple(folders)


def test_a_data_dir_is_kept_when_the_folder_changes(given, monkeypatch, tmp_path):
    """A relative folder means the one where the command was started."""
    monkeypatch.chdir(tmp_path)
    assert given(DATA_DIR="here").broker_dir == tmp_path / "here" / "broker"


LOGIN = {"SASL_MECHANISM": "SCRAM-SHA-256", "SASL_USERNAME": "shop", "SASL_PASSWORD": "secret"}

CONTRADICTIONS = [
    ({"SASL_MECHANISM": "PLAIN", "SASL_PASSWORD": "secret"}, "SEGMENTS_SASL_USERNAME"),
    ({"SASL_MECHANISM": "PLAIN", "SASL_USERNAME": "shop"}, "SEGMENTS_SASL_PASSWORD"),
    ({**LOGIN, "SASL_PASSWORD_FILE": __file__}, "both"),
    ({**LOGIN, "SECURITY_PROTOCOL": "SSL"}, "SEGMENTS_SECURITY_PROTOCOL"),
    ({"SECURITY_PROTOCOL": "SASL_SSL"}, "SEGMENTS_SECURITY_PROTOCOL"),
    ({"SECURITY_PROTOCOL": "PLAINTEXT", "TLS_CA_FILE": __file__}, "write SSL"),
    ({"TLS_CERT_FILE": __file__}, "SEGMENTS_TLS_KEY_FILE"),
]


@pytest.mark.parametrize(("variables", "named"), CONTRADICTIONS)
def test_what_does_not_fit_together_is_refused(given, variables, named):
    """Each right by itself, wrong together: one line, and no password in it."""
    with pytest.raises(SettingsError) as refused:
        given(**variables)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_plain_connection_needs_no_more_than_the_address(given):
    """Several brokers, no TLS."""
    assert connection(given(BROKERS="a:1, b:2")) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }


def test_a_password_goes_over_tls_unless_asked_otherwise(given):
    """SASL alone means SASL_SSL; the plain protocol must be written out."""
    arguments = connection(given(**LOGIN))
    assert arguments["security_protocol"] == "SASL_SSL"
    assert arguments["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    assert arguments["ssl_context"].check_hostname
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("shop", "secret")
    plain = connection(given(**LOGIN, SECURITY_PROTOCOL="SASL_PLAINTEXT"))
    assert (plain["security_protocol"], "ssl_context" in plain) == ("SASL_PLAINTEXT", False)


def test_a_password_may_come_from_a_file(given, tmp_path):
    """Without the line end that editors leave."""
    file = tmp_path / "password"
    file.write_text("from a file\n")
    settings = given(SASL_MECHANISM="PLAIN", SASL_USERNAME="shop", SASL_PASSWORD_FILE=str(file))
    assert connection(settings)["sasl_plain_password"] == "from a file"


def test_tls_files_mean_tls(given, tmp_path):
    """A file that holds no certificates is refused with the variable's name."""
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    settings = given(TLS_CA_FILE=str(file))
    assert security_protocol(settings) == "SSL"
    with pytest.raises(SettingsError, match=r"^SEGMENTS_TLS_CA_FILE: expected certificates in PEM"):
        connection(settings)


def test_the_command_lists_all_and_masks_secrets(run):
    """Variable, value, default and meaning of each; no secret, not even in a URL."""
    secrets = {"SEGMENTS_HTTP_TOKEN": "hush", "SEGMENTS_REGISTRY_URL": "https://me:hush@registry.example/"}
    done = run("settings", env=secrets)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == list(
        map(variable, Settings.model_fields)
    )
    assert "hush" not in done.stdout
    assert "https://********@registry.example" in done.stdout


def test_the_command_refuses_wrong_settings(run):
    """Exit code 1 and one line for each, nothing on stdout."""
    done = run("settings", env={"SEGMENTS_GRACE": "x", "SEGMENTS_HTTP_TOKNE": "hush"})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 2)
    assert "did you mean SEGMENTS_HTTP_TOKEN?" in done.stderr
    assert "hush" not in done.stderr


def test_the_command_takes_no_arguments(run):
    """A wrong call is a usage error."""
    assert run("settings", "all").returncode == 2


def test_settings_load_neither_faust_nor_kafka():
    """Commands without Kafka read their settings quickly."""
    code = "import sys, streams.settings.settings; sys.exit(bool({'faust', 'kafka', 'aiokafka'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
