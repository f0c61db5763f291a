"""A worker that gives up joining after three seconds instead of a minute."""

import streams.worker.watch
from streams.cli.worker import command

streams.worker.watch.JOIN_SECONDS = 3.0
command([])
