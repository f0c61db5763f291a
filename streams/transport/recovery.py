"""What happens after a rebalance, in place of Faust's recovery of tables.

Faust's recovery would read the changelog of the customers itself, uncommitted records included, and would
resume partitions before it clears the queues (Faust issue 596), which loses records. Here: seek, clear, resume,
in this order and without an await between the last two; then the owners of the input partitions take over.
"""

# ruff: noqa: SLF001, ARG002  private parts of Faust are overridden here, with its signatures

import asyncio
from typing import Any

from aiokafka.errors import KafkaError
from faust.tables.manager import TableManager
from faust.types import TP


class Tables(TableManager):
    """Tables whose changelogs are neither consumed nor written by Faust."""

    app: Any
    _resuming: asyncio.Task[None] | None = None
    _resumed: asyncio.Event | None = None

    @property
    def resumed(self) -> asyncio.Event:
        """Set when the first assignment is being handled."""
        if self._resumed is None:
            self._resumed = asyncio.Event()
        return self._resumed

    def add(self, table: Any) -> Any:
        """Add the table of the customers; another one would never be restored here."""
        if len(self):
            raise TypeError(
                f"expected no table but that of the customers, came {table.name!r}: Faust's recovery of tables "
                "is off here; keep the state of an agent elsewhere, or run it as an application of its own"
            )
        return super().add(table)

    async def on_start(self) -> None:
        """Start the tables; subscribe to nothing."""
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()

    async def on_stop(self) -> None:
        """Stop fetching first, so that nothing arrives at closed tables."""
        await self.app._fetcher.stop()
        self._cancel()
        for table in self.values():
            await table.stop()

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Cancel the resuming of the assignment that was just revoked."""
        self._cancel()

    def _cancel(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Resume in a task of its own: the group's coordination must not wait for it."""
        self._cancel()
        self._resuming = asyncio.create_task(self._resume(assigned, generation_id))
        self._resuming.add_done_callback(self._check)

    def _check(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.app.add_future(self.app.crash(error))

    async def _resume(self, assigned: set[TP], generation: int) -> None:
        consumer = self.app.consumer
        await self._seek(consumer)
        if generation != self.app.consumer_generation_id:
            # Another rebalance came while the partitions were sought: its task resumes them.
            return
        # No await from here to `resume_partitions`: a message that came between them would be cleared with the queues,
        # although the position has moved past it.
        self.app.flow_control.resume()  # clears the queues of the agents
        consumer.resume_flow()
        consumer.resume_partitions(assigned)
        await self.app._fetcher.maybe_start()
        self.on_actives_ready()
        self.on_standbys_ready()
        self.app.on_rebalance_end()
        owned = self.app.owned_partitions(assigned)
        if owned is not None:
            await self.app.owners.assign(owned)
        self.resumed.set()

    async def _seek(self, consumer: Any) -> None:
        while True:
            try:
                await consumer.perform_seek()
            except KafkaError as error:
                self.log.warning("seeking after the rebalance: %s, trying again", error)
                await asyncio.sleep(1)
            else:
                return

    async def wait_until_recovery_completed(self) -> bool:
        """Wait for the first assignment; True if the worker stopped before."""
        resumed: Any = self.resumed
        return bool(await self.wait_for_stopped(resumed))
