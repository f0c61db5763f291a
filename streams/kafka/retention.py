"""How long the inputs keep what the rules remember.

While workers run they need none of it: their states hold what the rules remember. It is needed when states are computed
anew (`segments reset`, another number of partitions, a backfill of a new rule), and no worker may be away for longer.
"""

from collections.abc import Iterator, Mapping

from kafka.admin import ConfigResource

from streams.kafka.connection import admin
from streams.kafka.topics import DAY, TOPICS
from streams.settings.settings import Settings

Configs = Mapping[str, Mapping[str, Mapping[str, str]]]


def warnings(settings: Settings, remembered: int) -> list[str]:
    """One line for each input that deletes earlier than the rules forget; `remembered` is in milliseconds."""
    inputs = [topic.name for topic in TOPICS if topic.direction == "in" and topic.cleanup == "delete"]
    with admin(settings) as client:
        resources = [ConfigResource("TOPIC", name) for name in inputs]
        configs: Configs = client.describe_configs(resources, config_filter="all")["topic"]
    return list(_shorter(configs, remembered))


def _shorter(configs: Configs, remembered: int) -> Iterator[str]:
    for topic, config in sorted(configs.items()):
        kept = int(config["retention.ms"]["value"])
        if 0 <= kept < remembered:
            yield (
                f"{topic} keeps records for {_days(kept)} and the rules remember {_days(remembered)}: what is computed "
                f"anew (a reset, more partitions, a backfill) would know the last {_days(kept)} only. To keep them: "
                f"`kafka-configs.sh --alter --topic {topic} --add-config retention.ms={remembered}`"
            )
        if int(config["retention.bytes"]["value"]) >= 0:
            yield (
                f"{topic} deletes records by size (retention.bytes): what is deleted while no worker runs is lost. "
                f"To keep them: `kafka-configs.sh --alter --topic {topic} --delete-config retention.bytes`"
            )


def _days(milliseconds: int) -> str:
    return f"{milliseconds / DAY:g} days"
