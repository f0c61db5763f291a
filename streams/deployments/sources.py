"""The profile sources of a group: those of the settings, and those of the deployment that its workers run."""

from kafka.errors import KafkaError

from streams.deployments.records import read_chains
from streams.errors import StreamsError
from streams.settings.settings import Settings


def sources_of(settings: Settings) -> tuple[str, ...]:
    """Their names, ascending; those deployed are left out while no broker tells them."""
    try:
        return deployed_too(settings)
    except (StreamsError, KafkaError, OSError):
        return tuple(sorted(settings.profile_sources))


def deployed_too(settings: Settings) -> tuple[str, ...]:
    """Their names, ascending; raises StreamsError if the deployments can't be read, KafkaError without a broker."""
    running = read_chains(settings).running
    deployed = () if running is None else running.settings.get("profile_sources", ())
    return tuple(sorted({*settings.profile_sources, *deployed}))
