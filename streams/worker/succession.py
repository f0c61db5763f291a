"""Which rule set a partition runs, and by which deployment it is filled meanwhile."""

from segments.engine import DEPLOYMENTS, FILL, RULES, Chain, Deployment, position_of


class Waiting(Exception):
    """Nothing is deployed, and there are no rule files: the partition waits for a deployment."""

    cause = "waiting"


class Succeeded(Exception):
    """A partition has reached a deployment and must be made anew; all records before it are committed."""

    cause = "deployment"

    def __init__(self, before: Deployment | None, deployment: Deployment | None, read: int = 0) -> None:
        """`before` is what it ran; None: rule files, which the first deployment replaces.

        `read`: the offset after the last deployment that was read.
        """
        super().__init__("another rule set was deployed")
        self.before, self.deployment, self.read = before, deployment, read


def chosen(
    chain: Chain, record: bytes | None, succeeded: Succeeded | None
) -> tuple[Deployment | None, Deployment | None]:
    """Return the deployment that a partition runs and the one that fills it: those of its record, or the next one.

    A partition that never ran a deployment runs the one that the chain names.
    """
    if record is None:
        return chain.newest, None
    position = position_of(record)
    running = position.deployment
    if running is None:
        return chain.first, None
    filling = None if position.filling is None else chain.at(position.filling[1])
    next_ = None if succeeded is None else succeeded.deployment
    before = None if succeeded is None else succeeded.before
    is_next = next_ is not None and next_.offset >= position.offsets.get(DEPLOYMENTS, 0)
    if next_ is None or before is None or before.offset != running[1] or not is_next:
        return chain.at(running[1]), filling
    if next_.kind == FILL:
        return chain.at(running[1]), chain.at(next_.offset)
    return chain.at(next_.offset), None if next_.kind == RULES else filling


def ran_before(chain: Chain, deployment: Deployment | None) -> list[str]:
    """The deployments before this one: transfers that other partitions sent while they ran them can be applied."""
    if deployment is None:
        return []
    return [each.deployment_id for each in chain.followed.values() if each.offset < deployment.offset]
