"""A broker as one would secure it: TLS, SASL, client certificates and an authorizer that allows nothing by itself.

Its plain listener is for the tests alone: whoever comes in there (ANONYMOUS) may do everything, and gives out the ACLs.
"""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)

from streams.local.broker import Broker, free_port
from tests.unit.repository import ROOT

PASSWORDS = {"worker": "wet-paint-73", "plain": "dry-clay-19"}
"""By user; `worker` logs in with SCRAM, `plain` with PLAIN."""

SECURED = """
listeners=SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{tls},PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{tls},PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="{plain}";
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*?)$/$1/
"""


class SecureBroker(Broker):
    """A local broker with two secure listeners."""

    sasl_port = 0
    tls_port = 0

    def _configure(self) -> None:
        """The usual properties, and those above instead of their listeners."""
        certificates(self.data_dir)
        super()._configure()
        file = self._file("server.properties")
        text = file.read_text()
        lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#")
        port = int(lines["advertised.listeners"].rpartition(":")[2])
        controller = int(lines["listeners"].rpartition(":")[2])
        # Started again, it is where it was.
        self.sasl_port = self.sasl_port or free_port(port, controller)
        self.tls_port = self.tls_port or free_port(port, controller, self.sasl_port)
        ports = {"port": port, "controller": controller, "sasl": self.sasl_port, "tls": self.tls_port}
        more = SECURED.format(**ports, folder=self.data_dir, plain=PASSWORDS["plain"])
        lines |= dict(line.split("=", 1) for line in more.split("\n") if line)
        file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def settings(self, user: str) -> dict[str, str]:
        """The environment of somebody who comes in as this user: with a client certificate, or with a password."""
        tls = {"SEGMENTS_TLS_CA_FILE": str(self.data_dir / "ca.pem")}
        if user not in PASSWORDS:
            own = {"SEGMENTS_TLS_CERT_FILE": str(self.data_dir / f"{user}.pem")}
            own |= {"SEGMENTS_TLS_KEY_FILE": str(self.data_dir / f"{user}.key")}
            return tls | own | {"SEGMENTS_BROKERS": f"127.0.0.1:{self.tls_port}"}
        secret = self.data_dir / f"{user}.password"
        secret.write_text(PASSWORDS[user] + "\n")
        return tls | {
            "SEGMENTS_BROKERS": f"127.0.0.1:{self.sasl_port}",
            "SEGMENTS_SASL_MECHANISM": "SCRAM-SHA-512" if user == "worker" else "PLAIN",
            "SEGMENTS_SASL_USERNAME": user,
            "SEGMENTS_SASL_PASSWORD_FILE": str(secret),
        }

    def admin(self) -> KafkaAdminClient:
        """One who may do everything."""
        return KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=10_000)

    def enroll(self) -> None:
        """Let the SCRAM user in."""
        user = UserScramCredentialUpsertion("worker", "SCRAM-SHA-512", PASSWORDS["worker"])
        with self.admin() as admin:
            admin.alter_user_scram_credentials([user])


@dataclass(frozen=True, order=True)
class Allowed:
    """One thing that a user may do."""

    kind: str
    name: str
    operation: str
    prefixed: bool = False

    def acl(self, user: str) -> ACL:
        """As Kafka has it."""
        pattern = ACLResourcePatternType.PREFIXED if self.prefixed else ACLResourcePatternType.LITERAL
        resource = ResourcePattern(ResourceType[self.kind], self.name, pattern)
        operation = ACLOperation[self.operation]
        return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, resource)


def allow(admin: KafkaAdminClient, user: str, what: Iterable[Allowed]) -> None:
    """Give a user exactly these, and nothing else."""
    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    his = ACLFilter(f"User:{user}", None, ACLOperation.ANY, ACLPermissionType.ANY, everything)
    admin.delete_acls([his])
    made = admin.create_acls([each.acl(user) for each in what])
    assert not made["failed"], made


def certificates(folder: Path) -> None:
    """An authority, a certificate of the broker, and one each for clients named `certified` and `outsider`."""
    if (folder / "ca.pem").exists():
        return
    subject = ("-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")
    _openssl("req", "-x509", *KEY, *subject, "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    for name in ("broker", "certified"):
        key, cert = folder / f"{name}.key", folder / f"{name}.pem"
        signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
        _openssl(
            *("req", "-x509", *KEY, *signed, "-subj", f"/CN={name}", "-keyout", key, "-out", cert),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1"),
        )
    (folder / "broker.pem").write_text(
        (folder / "broker.key").read_text() + (folder / "broker.pem").read_text()
    )


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def _openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def documented(who: str, group: str = "guarded") -> list[Allowed]:
    """The ACLs that deploy/configuration.md says somebody needs."""
    table = (
        (ROOT / "deploy" / "configuration.md")
        .read_text()
        .partition("<!-- acl table -->")[2]
        .partition("<!-- end of the acl table -->")[0]
    )
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in table.splitlines()
        if line.startswith("| ")
    ]
    found = []
    for whose, kind, name, operations in rows:
        if whose == who:
            quoted = re.search(r"`(.+?)`", name)
            named = quoted.group(1).replace("<group>", group) if quoted else "mine"
            found += [
                Allowed(kind.upper().replace(" ", "_"), named, _snake(each), "prefixed" in name)
                for each in operations.split(", ")
            ]
    assert found, f"no row for {who}"
    return found


def _snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).upper()
