"""The broker and the proxy of the chaos tests: their own, since they are killed and cut."""

from collections.abc import Iterator

import pytest

from tests.chaos.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One broker behind one proxy for all of them; each run has topics of its own."""
    with Cluster(tmp_path_factory.mktemp("chaos")) as cluster:
        yield cluster
