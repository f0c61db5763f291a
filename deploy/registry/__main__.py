"""`python -m deploy.registry`: run a schema registry until Ctrl-C, and print its URL."""

import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from deploy.registry import Registry


def main() -> None:
    """Start it, say where it is, and kill it at the end."""
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder))
        try:
            sys.stdout.write(f"export SEGMENTS_REGISTRY_URL={registry.start()}\n")
            sys.stdout.flush()
            with suppress(KeyboardInterrupt):
                signal.pause()
        finally:
            registry.kill()


if __name__ == "__main__":
    main()
