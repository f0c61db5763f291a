"""Which deployments a partition runs that lives through a log of them."""

from segments.engine import FILL, RULES, Deployment


class Going:
    """Which of the deployments that a partition came to it runs, and by which it is filled meanwhile."""

    def __init__(self) -> None:
        self._running: Deployment | None = None
        self._filling: Deployment | None = None

    def on(self, deployment: Deployment) -> tuple[Deployment, Deployment | None]:
        """Those of both kinds from this one on; a rule set ends a filling, and borders do not."""
        if deployment.kind == FILL:
            assert self._running is not None
            self._filling = deployment
            return self._running, deployment
        if deployment.kind == RULES:
            self._filling = None
        self._running = deployment
        return deployment, self._filling
