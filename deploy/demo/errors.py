"""What can go wrong in the demo, told in one line each.

DemoError
├── SourceError      a data set could not be fetched, or is not the one expected
├── ClusterError     the broker, its topics or a worker is not as the demo needs it
└── ComparisonError  the flips of the workers are not those of `segments replay`
"""


class DemoError(Exception):
    """The demo can't go on; the message says what to do."""


class SourceError(DemoError):
    """A data set could not be fetched, or is not the one expected."""


class ClusterError(DemoError):
    """The broker, its topics or a worker is not as the demo needs it."""


class ComparisonError(DemoError):
    """The flips of the workers are not those of `segments replay`."""
