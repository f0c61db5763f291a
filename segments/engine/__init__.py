"""The pure machine: records and readings of the clock go in, flips and states come out.

What stands in `__all__` is the door: whoever is no part of the engine imports nothing deeper.
"""

from segments.engine._native import (
    Accepted,
    Batch,
    Fetch,
    Outbox,
    Records,
    Schemas,
    States,
    Transaction,
    Transfer,
)
from segments.engine.batches import batches_of
from segments.engine.chain import BORDERS, FILL, RULES, Chain, Deployment, runnable
from segments.engine.deployed import deployment_of, settings_of
from segments.engine.door import Partition
from segments.engine.door import States as CommittedStates
from segments.engine.murmur import partition_of
from segments.engine.past import Past, listening
from segments.engine.position import Position, position_of
from segments.engine.records import (
    BEFORE_ALL,
    CLICKSTREAM,
    CURRENCY_CASE,
    DEPLOYMENTS,
    FIRST,
    IDENTITIES,
    INPUTS,
    LAST,
    NEVER,
    NOTICES,
    OLDER,
    POSITION_KEY,
    PROFILES,
    TOO_OLD,
    TRANSACTIONS,
    DeadLetter,
    Effects,
    EngineSettings,
    Event,
    Notice,
    Record,
    Refusal,
    event_id,
    notice_text,
    of_customer,
)
from segments.engine.refill import EVENTS, Refill
from segments.engine.rules import PlannedRules, RuleSet, entry_size, inputs_of, load, with_borders
from segments.engine.views import CustomerView, IdentityView, RuleView, WhyView
from segments.plan.borders import Border, BorderKey

__all__ = [
    "BEFORE_ALL",
    "BORDERS",
    "CLICKSTREAM",
    "CURRENCY_CASE",
    "DEPLOYMENTS",
    "EVENTS",
    "FILL",
    "FIRST",
    "IDENTITIES",
    "INPUTS",
    "LAST",
    "NEVER",
    "NOTICES",
    "OLDER",
    "POSITION_KEY",
    "PROFILES",
    "RULES",
    "TOO_OLD",
    "TRANSACTIONS",
    "Accepted",
    "Batch",
    "Border",
    "BorderKey",
    "Chain",
    "CommittedStates",
    "CustomerView",
    "DeadLetter",
    "Deployment",
    "Effects",
    "EngineSettings",
    "Event",
    "Fetch",
    "IdentityView",
    "Notice",
    "Outbox",
    "Partition",
    "Past",
    "PlannedRules",
    "Position",
    "Record",
    "Records",
    "Refill",
    "Refusal",
    "RuleSet",
    "RuleView",
    "Schemas",
    "States",
    "Transaction",
    "Transfer",
    "WhyView",
    "batches_of",
    "deployment_of",
    "entry_size",
    "event_id",
    "inputs_of",
    "listening",
    "load",
    "notice_text",
    "of_customer",
    "partition_of",
    "position_of",
    "runnable",
    "settings_of",
    "with_borders",
]
