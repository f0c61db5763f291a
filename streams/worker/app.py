"""The Faust application of a worker, put together from the settings."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

from segments.engine import DEPLOYMENTS, IDENTITIES, INPUTS, PLAN_FORMAT, EngineSettings, RuleSet
from streams.kafka import topics
from streams.kafka.client_id import identity
from streams.kafka.connection import connection
from streams.kafka.offsets import Offsets
from streams.registry.lookup import Lookup
from streams.settings.settings import Settings
from streams.store.table import CUSTOMERS, CustomerTable, changelog_topic
from streams.telemetry.metrics import Metrics
from streams.transport import BatchApp
from streams.transport.topic_ids import TopicIds
from streams.worker.agents import segment_customers
from streams.worker.cleaning import Cleaner
from streams.worker.context import Limits, WorkerContext
from streams.worker.deployments import read_chain
from streams.worker.owners import Owners
from streams.worker.past import Reading


@dataclass(frozen=True, slots=True)
class Worker:
    """A Faust application and the parts of its worker."""

    app: BatchApp
    owners: Owners
    partitions: int
    offsets: Offsets
    metrics: Metrics


def build(
    settings: Settings,
    rules: RuleSet | None,
    partitions: int,
    answers_at: str = "",
    lookup: Lookup | None = None,
    past: Reading | None = None,
) -> Worker:
    """Build a worker; nothing is started and no broker is asked.

    `answers_at` is the address, host:port, of its HTTP server, which the other members of the group learn from the
    broker, as they learn which rules it holds. `rules` are those of files, if there are any. `past` reads the history
    from which measures are filled; without it they are not.

    More agents can be added to its ``app`` with ``@app.agent``, as Faust documents it.
    """
    name = settings.worker_name or f"{settings.group}-{uuid.uuid4().hex[:8]}"
    client = connection(settings) | {
        "client_id": identity(name, "" if rules is None else rules.digest, answers_at, PLAN_FORMAT)
    }
    metrics = Metrics(version("segments"), rules, partitions)
    app = _application(settings, client, name)
    table = _table(app, settings, partitions)
    offsets = Offsets(client, settings.group)
    transfers = topics.transfers(settings.group).name
    context = WorkerContext(
        group=settings.group,
        count=partitions,
        client=client,
        rules=rules,
        engine=EngineSettings.of(settings),
        table=table,
        changelog=changelog_topic(settings.group),
        offsets=offsets,
        read_chain=partial(read_chain, client, settings.group, offsets=offsets),
        topic_ids=TopicIds(client, settings.group, (*INPUTS, IDENTITIES)),
        metrics=metrics,
        lookup=lookup,
        transfers=transfers,
        cleaner=Cleaner(client, transfers),
        past=past,
        threads=ThreadPoolExecutor(settings.threads, "partitions"),
    )
    owners = Owners(app, context, _limits(settings))
    app.owners, app.input_partitions = owners, partitions
    app.on_fetched = metrics.stages.labels("fetch").inc
    segment_customers(app, owners)
    return Worker(app, owners, partitions, context.offsets, metrics)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.max_batch, settings.commit_interval / 1000, settings.clock == "event")


def _application(settings: Settings, client: dict[str, Any], name: str) -> BatchApp:
    session = settings.session_timeout / 1000
    return BatchApp(
        settings.group,
        client_settings=client,
        run_topics=(*INPUTS, IDENTITIES, DEPLOYMENTS, topics.transfers(settings.group).name),
        Table=CustomerTable,
        datadir=str(settings.data_dir / "faust"),
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.worker_name,
        canonical_url=f"http://{name}",
        broker_session_timeout=session,
        broker_heartbeat_interval=min(1.0, session / 4),
        broker_rebalance_timeout=max(session, 30.0),
        broker_request_timeout=max(session + 5, 30.0),
        broker_max_poll_interval=300.0,
        broker_commit_interval=1.0,
        consumer_max_fetch_size=1_048_576,
        worker_redirect_stdouts=False,
    )


def _table(app: BatchApp, settings: Settings, partitions: int) -> CustomerTable:
    table: Any = app.Table(
        CUSTOMERS,
        partitions=partitions,
        key_type=bytes,
        value_type=bytes,
        help="What is remembered of each customer.",
    )
    table.configure(settings.store, settings.data_dir / "state" / (settings.worker_name or ""))
    customers: CustomerTable = table
    return customers
