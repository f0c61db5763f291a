"""What a worker does about deployments before it runs: a group without one gets its first from the worker's files.

Workers that start together deploy once: whoever writes looks again as the only one who may (`writing`), and one that
was overtaken runs what the other one wrote.
"""

import logging
import random
import time

from kafka.errors import AuthorizationError, KafkaError, TransactionalIdAuthorizationFailedError

from segments.engine import RuleSet
from segments.language.errors import SegmentsError
from streams.clock import wall_clock
from streams.deployments.planning import changed_settings, is_same, plan, record
from streams.deployments.records import Chains, Deployed, read_chains
from streams.deployments.writing import Overtaken, transactional_id, write
from streams.errors import BrokerAway, StreamsError, TopicsError
from streams.kafka.permissions import transactions_refused
from streams.kafka.topics import require_sources
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

AGAIN = (0.1, 1.0)
"""Seconds after which one that was overtaken looks again: of several that start at once each waits differently."""

Files = RuleSet | SegmentsError | None
"""The rules of SEGMENTS_RULES, or what is wrong with them; None: they are not to be read."""


def settle(settings: Settings, files: Files, *, deploy: bool) -> Deployed | None:
    """Deploy the files if the group has no deployment, or with `deploy` if they differ; gives what the group runs then.

    None: nothing is deployed, and the files are not to be read. Raises the SegmentsError of the files where they would
    be the first, BrokerAway, TopicsError for a profile source without a topic, and StreamsError if this worker is not
    allowed to deploy.
    """
    while True:
        chains = _read(settings)
        running = chains.running
        if files is None:
            return running
        if running is not None and (not deploy or isinstance(files, SegmentsError)):
            _say(running, files)
            return running
        if isinstance(files, SegmentsError):
            raise files
        try:
            if not _deploy(settings, chains, files):
                return running
        except Overtaken as error:
            log.info("%s", error)
            time.sleep(random.uniform(*AGAIN))


def _read(settings: Settings) -> Chains:
    try:
        return read_chains(settings)
    except (KafkaError, OSError, TopicsError) as error:
        # The topic was there a moment ago: a broker that goes answers that it knows none.
        raise BrokerAway(settings.brokers, error) from error


def _deploy(settings: Settings, chains: Chains, files: RuleSet) -> bool:
    """Whether a deployment was written: not what runs already, nor one that would change settings deployed."""
    running = chains.running
    planned = plan(settings, settings.rules, running, stories=False, loaded=files)
    if running is not None:
        if is_same(planned, running) and not chains.lacking:
            return False
        if changed := changed_settings(running.settings, planned.settings):
            names = ", ".join(str(each["setting"]) for each in changed)
            log.warning(
                "not deployed, since %s differ from what is deployed: `segments deploy --settings` changes them",
                names,
            )
            return False
    require_sources(settings, planned.settings["profile_sources"])
    made = record(settings, planned, chains, wall_clock(), "by a worker at its start", at_once=False)
    try:
        write(settings, made, chains)
    except TransactionalIdAuthorizationFailedError as error:
        raise transactions_refused(settings.group) from error
    except AuthorizationError as error:
        raise StreamsError(
            f"this worker is not allowed to deploy ({error}): allow it Write on segment-deployments and on the"
            f" transactional id {transactional_id(settings)}, or start it with --no-deploy and deploy elsewhere"
        ) from error
    log.info("deployed the rules of SEGMENTS_RULES: %s", made["deployment_id"])
    return True


def _say(running: Deployed, files: RuleSet | SegmentsError) -> None:
    if isinstance(files, SegmentsError):
        log.warning(
            "running what is deployed (%s); the files of SEGMENTS_RULES are wrong: %s", running.id, files
        )
    elif files.digest != running.planned.digest:
        log.warning(
            "running what is deployed (%s); the files of SEGMENTS_RULES differ: `segments deploy` deploys them",
            running.id,
        )
    else:
        log.info("running what is deployed: %s", running.id)
