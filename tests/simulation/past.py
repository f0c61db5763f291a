"""The history of a partition, read from the Kafka in memory as a worker's own reading reads it from the topics."""

import asyncio
import threading

from segments.engine import BEFORE_ALL, INPUTS, Partition, Past
from streams.worker.decode import decode
from streams.worker.past import AppliedHistory, Stopped
from tests.simulation.kafka import COMMITTED, Kafka


class Reading:
    """Reads histories, one partition after the other."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self.turn = asyncio.Lock()

    def read(self, partition: Partition, stopped: threading.Event) -> AppliedHistory:
        """Live through the committed records before the filling."""
        if stopped.is_set():
            raise Stopped
        filling, asked = partition.filling, partition.filled_by
        assert filling is not None
        assert asked is not None
        assert asked.rules is not None
        past = Past(partition.number, partition.count, asked.rules, partition.settings)
        ends = {topic: filling.offsets.get(topic, 0) for topic in INPUTS}
        past.begin(partition.number, dict.fromkeys(INPUTS, 0), ends)
        for topic, end in ends.items():
            log = self._kafka.logs[topic, partition.number][:end]
            past.offer(topic, 0, decode(topic, [each for each in log if each.state == COMMITTED]), end)
        past.work()
        return AppliedHistory(past, dict.fromkeys(INPUTS, BEFORE_ALL), sum(ends.values()))
