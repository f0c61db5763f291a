"""The log of a command that goes on running: readable lines on stderr, without secrets."""

import logging

from streams.cli.visible import visible_lines
from streams.settings.types import MASK, current

LEVELS = ("debug", "info", "warning", "error")
LIBRARIES = ("aiokafka", "faust", "mode", "kafka")


class _Once(logging.Filter):
    """Lets a message of a library that repeats itself through once in ten seconds.

    A broker that is away has many voices.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.split(".")[0] not in LIBRARIES:
            return True
        key = (record.name, str(record.msg))
        last = self._said.get(key, 0.0)
        if record.created - last < 10:
            return False
        self._said[key] = record.created
        return True


class _Masking(logging.Formatter):
    """Takes secrets out of every line, as kafka-python logs its configuration, and escapes what can't be seen."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        # If the file was rewritten meanwhile, its present secret and the one before may both appear.
        for secret in {*self._secrets, *map(current, self._secrets)}:
            line = line.replace(secret, MASK)
        return visible_lines(line)


def configure(level: str, secrets: tuple[str, ...]) -> None:
    """Readable lines on stderr; the libraries only speak up when something is wrong."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Masking(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if level != "debug":
        handler.addFilter(_Once())
        for library in LIBRARIES:
            logging.getLogger(library).setLevel(logging.WARNING)
        # The admin client: the command that used it reports its errors.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)
