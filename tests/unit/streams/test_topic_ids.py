"""The ids of topics are asked for at each commit; a broker that answers slowly must not keep a partition from it."""

import asyncio

from streams.transport import topic_ids
from streams.transport.topic_ids import TopicIds


def test_an_answer_that_is_old_when_it_comes_counts(monkeypatch):
    """The broker takes longer for each answer than an answer is good for: who asks is told all the same."""
    monkeypatch.setattr(topic_ids, "MOMENT", 0.0)
    asked = []

    class Client:
        def get_random_node(self):
            return 1

        async def send(self, node, _request):
            asked.append(node)
            await asyncio.sleep(0.01)
            return topic_ids._Answer({"clickstream": f"id-{len(asked)}"})

    async def ask():
        ids = TopicIds({}, "group", ["clickstream"])
        ids._consumer = type("Connected", (), {"_client": Client()})()
        first = await ids.now()
        return first, await ids.now()

    first, second = asyncio.run(asyncio.wait_for(ask(), 20))
    assert (first, second) == ({"clickstream": "id-1"}, {"clickstream": "id-2"})
    assert len(asked) == 2
