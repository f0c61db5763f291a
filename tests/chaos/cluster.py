"""A real broker that workers reach through the proxy only, and everyone else directly."""

import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka.admin import KafkaAdminClient

from streams.kafka.topics import make, topics
from streams.local.broker import Broker, free_port
from tests.chaos.proxy import Proxy

LISTENERS = ("listeners=", "advertised.listeners=", "listener.security.protocol.map=")


class ProxiedBroker(Broker):
    """A broker with a second listener, which it advertises at the proxy's port."""

    def __init__(self, data_dir: Path) -> None:
        self.direct = free_port()
        self.behind_proxy = free_port(self.direct)
        self.proxy_port = free_port(self.direct, self.behind_proxy)
        super().__init__(data_dir, port=self.direct)

    def _configure(self) -> None:
        """Add the listener; the direct one stays the last that is advertised, which is where `address` looks."""
        super()._configure()
        file = self.data_dir / "server.properties"
        added = {
            "listeners=": f"PROXIED://127.0.0.1:{self.behind_proxy},",
            "advertised.listeners=": f"PROXIED://127.0.0.1:{self.proxy_port},",
            "listener.security.protocol.map=": "PROXIED:PLAINTEXT,",
        }
        lines = []
        for line in file.read_text().splitlines():
            name = next((name for name in LISTENERS if line.startswith(name)), None)
            lines.append(line if name is None else name + added[name] + line.removeprefix(name))
        lines.append("inter.broker.listener.name=PLAINTEXT")
        file.write_text("\n".join(lines) + "\n")


class Cluster:
    """The broker and the proxy in front of it; `with Cluster(folder) as cluster`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = ProxiedBroker(folder / "broker")
        self.proxy = Proxy(self.broker.proxy_port, self.broker.behind_proxy)

    @property
    def direct(self) -> str:
        """Where the harness connects."""
        return self.broker.address

    @property
    def proxied(self) -> str:
        """Where the workers connect."""
        return f"127.0.0.1:{self.broker.proxy_port}"

    def fresh_topics(self, group: str, partitions: int) -> None:
        """Create the topics of schemas/README.md, empty."""
        with KafkaAdminClient(bootstrap_servers=self.direct, request_timeout_ms=10_000) as admin:
            old = [name for name in admin.list_topics() if not name.startswith("__")]
            if old:
                admin.delete_topics(old)
                while not set(old).isdisjoint(admin.list_topics()):
                    time.sleep(0.02)
            make(admin, topics(group), partitions, replication=1)

    def __enter__(self) -> Self:
        self.broker.start()
        self._guard = self._watch_over()
        return self

    def _watch_over(self) -> "subprocess.Popen[bytes]":
        """Ends the broker and the workers if this process is killed and cannot: nobody else would."""
        script = 'while kill -0 "$0" 2>/dev/null; do sleep 1; done; find "$1" -name "*.pid" -exec cat {} + | xargs -r kill -9'
        return subprocess.Popen(
            ["sh", "-c", script, str(os.getpid()), str(self.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.proxy.stop()
        self.broker.kill()
        self._guard.kill()
        self._guard.wait()
