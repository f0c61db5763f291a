"""Whether the local broker of a data directory runs, and where, read from the files that it leaves there.

Settings need the address without the broker itself, which needs a checkout of the project (`streams.local`).
"""

import subprocess
from pathlib import Path


def running_address(data_dir: Path) -> str | None:
    """The address, host:port, of the broker of this data directory if it runs, else None."""
    port = written_port(data_dir)
    return None if port is None or running_pid(data_dir) is None else f"127.0.0.1:{port}"


def written_port(data_dir: Path) -> int | None:
    """The port in the server.properties of the last start, None if there was none."""
    try:
        text = (data_dir / "server.properties").read_text()
    except OSError:
        return None
    listeners = [line for line in text.splitlines() if line.startswith("advertised.listeners=")]
    return int(listeners[0].rpartition(":")[2]) if listeners else None


def running_pid(data_dir: Path, child: subprocess.Popen[bytes] | None = None) -> int | None:
    """The process that runs the broker, None if it does not run. `child` is a process that the caller started."""
    try:
        pid = int((data_dir / "broker.pid").read_text())
    except (OSError, ValueError):
        return None
    if child is not None and child.pid == pid:
        return pid if child.poll() is None else None
    # Another process may have got the number since: ours has the path of our configuration in its command line.
    command = ["ps", "-ww", "-o", "stat=,command=", "-p", str(pid)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a number
    ours = str(data_dir / "server.properties") in shown.stdout and not shown.stdout.startswith("Z")
    return pid if ours else None
