"""Deployments written as `segments deploy` writes them, of rules made in a test."""

import time

import cramjam
from confluent_kafka import Producer

import schemas
from segments.engine import DEPLOYMENTS

SETTINGS = {
    "currency": "EUR",
    "zone": {"name": "UTC", "transitions": []},
    "grace": 0,
    "customer_limit": 10_000,
    "customer_bytes": 1 << 20,
    "required_consent": None,
    "profile_sources": [],
}


def deploy(environment, id, follows, rules, at=None, partitions=2, sources=()):
    """Write a deployment of a rule set, or of the bytes of a plan, to all partitions in one transaction."""
    plan = rules if isinstance(rules, bytes) else rules.data.to_bytes()
    group = environment["SEGMENTS_GROUP"]
    record = {
        "deployment_id": id,
        "group": group,
        "follows": follows,
        "occurred_at": int(time.time() * 1000) if at is None else at,
        "kind": "rules",
        "plan": bytes(cramjam.zstd.compress(plan)),
        "plan_format": 1,
        "rules": None,
        "settings": SETTINGS | {"profile_sources": list(sources)},
        "borders": [],
        "models": {},
        "note": "",
    }
    producer = Producer(
        {"bootstrap.servers": environment["SEGMENTS_BROKERS"], "transactional.id": f"{group}-deploy"}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(partitions):
        producer.produce(
            DEPLOYMENTS, key=group, value=schemas.encode(schemas.DEPLOYMENT, record), partition=number
        )
    producer.commit_transaction(30)
