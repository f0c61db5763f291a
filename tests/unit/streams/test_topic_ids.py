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


def test_topics_that_are_followed_meanwhile_are_asked_for(monkeypatch):
    """A profile source comes while an answer is under way, which does not tell its id: it is asked again."""
    monkeypatch.setattr(topic_ids, "MOMENT", 60.0)
    ids = TopicIds({}, "group", ["profiles"])

    class Client:
        def get_random_node(self):
            return 1

        async def send(self, _node, request):
            asked = request._topics
            ids.follow(["profiles-crm"])
            return topic_ids._Answer({topic: f"id of {topic}" for topic in asked})

    ids._consumer = type("Connected", (), {"_client": Client()})()
    found = asyncio.run(asyncio.wait_for(ids.now(), 20))
    assert found == {"profiles": "id of profiles", "profiles-crm": "id of profiles-crm"}
