"""The faults: each strikes once, notes the phase that it hit, and sees to it that the run can go on."""

import random
import time
from collections.abc import Callable

from tests.chaos.phases import (
    COMMIT_OFFSETS,
    END,
    IDLE,
    PRODUCE,
    READ_TOPICS,
    REBALANCING,
    RESTORING,
    TRANSACTION,
)
from tests.chaos.proxy import CUT_AFTER, CUT_BEFORE, HOLD, HOLD_ANSWER, Trap
from tests.chaos.scene import SESSION, Scene
from tests.chaos.workers import Worker, damage

Fault = Callable[[Scene, str], None]


def kill(scene: Scene, wanted: str) -> None:
    """`kill -9` of a worker; another one takes its place, sometimes at once, sometimes when its death was noticed."""
    victim = scene.someone()
    phase = scene.approach(victim, wanted)
    victim.kill()
    scene.note("kill", phase)
    scene.forget(victim)
    if scene.chance.random() < 0.5:
        time.sleep(SESSION + 0.5)
    scene.crew.again(victim)


def pause(scene: Scene, wanted: str) -> None:
    """The zombie: stopped for longer than the session time-out, then awake, and sure that nothing happened."""
    scene.at_least(2)
    victim = scene.someone()
    phase = scene.approach(victim, wanted)
    victim.pause()
    scene.note("pause", phase)
    time.sleep(SESSION + scene.chance.uniform(1.0, 2.5))
    victim.wake()


def killed_in_flight(scene: Scene, _wanted: str) -> None:
    """`kill -9` with a commit on its way, which arrives when the next owner has read what was committed."""
    victim, trap = _commit_in_flight(scene)
    if victim is None:
        return
    victim.kill()
    scene.note("kill", TRANSACTION)
    scene.forget(victim)
    scene.crew.again(victim)
    _let_arrive(scene, trap)


def paused_in_flight(scene: Scene, _wanted: str) -> None:
    """The zombie, with a commit on its way that arrives when the next owner has read what was committed."""
    victim, trap = _commit_in_flight(scene)
    if victim is None:
        return
    victim.pause()
    scene.note("pause", TRANSACTION)
    _let_arrive(scene, trap)
    victim.wake()
    time.sleep(1)


def _commit_in_flight(scene: Scene) -> tuple[Worker | None, Trap]:
    scene.at_least(2)
    trap = scene.cluster.proxy.set(Trap(END, HOLD, SESSION + 12))
    trap.sprung.wait(10)
    scene.cluster.proxy.trap = None
    senders = [each for each in scene.crew.running if trap.client and trap.client.endswith(each.address)]
    return (senders[0] if senders else None), trap


def _let_arrive(scene: Scene, trap: Trap) -> None:
    journal = scene.cluster.proxy.journal
    journal.wait_for_reads(journal.reads + READ_TOPICS, SESSION + 10)
    time.sleep(scene.chance.uniform(0.1, 0.5))
    trap.release.set()
    trap.done.wait(5)


def join(scene: Scene, _wanted: str) -> None:
    """One worker more."""
    scene.note("join", scene.busiest())
    scene.crew.wait_until_ready(scene.hire())


def leave(scene: Scene, wanted: str) -> None:
    """One stops gently, which must succeed."""
    scene.at_least(2)
    victim = scene.someone()
    phase = scene.approach(victim, wanted if wanted == TRANSACTION else IDLE)
    scene.note("leave", phase)
    code = victim.stop()
    assert code == 0, f"a worker told to stop ended with {code}:\n{victim.said[-3000:]}"
    scene.forget(victim)


def broker_killed(scene: Scene, wanted: str) -> None:
    """The broker is killed on the spot, and started again."""
    phase = scene.approach(scene.someone(), wanted if wanted == TRANSACTION else IDLE)
    scene.cluster.broker.kill()
    scene.note("broker killed", phase)
    scene.cluster.broker.start()


def broker_away(scene: Scene, _wanted: str) -> None:
    """The broker stops in good order, and comes back after a while."""
    scene.note("broker away", scene.busiest())
    scene.cluster.broker.stop()
    time.sleep(scene.away)
    scene.cluster.broker.start()


def cut_before(scene: Scene, _wanted: str) -> None:
    """A request of a transaction never arrives."""
    _trap(scene, "cut before", CUT_BEFORE, 0)


def cut_after(scene: Scene, _wanted: str) -> None:
    """A request of a transaction arrives, but its answer does not."""
    _trap(scene, "cut after", CUT_AFTER, 0)


def held(scene: Scene, _wanted: str) -> None:
    """A request of a transaction arrives late: when its sender has long given up, in half of the cases."""
    _trap(scene, "held", HOLD, scene.chance.choice((1.0, scene.away)))


def held_back(scene: Scene, _wanted: str) -> None:
    """A request to end a transaction, or its answer, is late by two seconds."""
    _trap(scene, "held", scene.chance.choice((HOLD, HOLD_ANSWER)), 2.0, (END,))


ANY = (END, END, END, PRODUCE, PRODUCE, COMMIT_OFFSETS, COMMIT_OFFSETS)


def _trap(scene: Scene, kind: str, action: str, seconds: float, among: tuple[int, ...] = ANY) -> None:
    api = scene.chance.choice(among)
    trap = scene.cluster.proxy.set(Trap(api, action, seconds))
    if not trap.sprung.wait(10):
        scene.cluster.proxy.trap = None
        return
    scene.note(kind, TRANSACTION)
    trap.done.wait(seconds + 5)


def state_deleted(scene: Scene, wanted: str) -> None:
    """A worker is killed, its directory deleted; it starts again where it was."""
    _lose(scene, wanted, "deleted")


def state_damaged(scene: Scene, wanted: str) -> None:
    """The same, with a directory full of nonsense."""
    _lose(scene, wanted, "damaged")


def _lose(scene: Scene, wanted: str, how: str) -> None:
    kept = [each for each in scene.crew.running if each.settings["SEGMENTS_STORE"] == "rocksdb"]
    victim = scene.chance.choice(kept) if kept else scene.hire(SEGMENTS_STORE="rocksdb")
    scene.crew.wait_until_ready(victim)
    phase = scene.approach(victim, wanted)
    victim.kill()
    scene.note(f"state {how}", phase)
    scene.forget(victim)
    damage(victim, how)
    scene.crew.again(victim)


FAULTS: tuple[Fault, ...] = (
    kill, pause, killed_in_flight, paused_in_flight, join, leave, broker_killed, broker_away, cut_before, cut_after, held,
    state_deleted, state_damaged,
)  # fmt: skip


def schedule(chance: random.Random, count: int, without: tuple[Fault, ...] = ()) -> list[tuple[Fault, str]]:
    """So many faults: every kind, then by chance, each with a phase that it is to hit."""
    chosen = [fault for fault in FAULTS if fault not in without]
    extra = [fault for fault in chosen if fault not in (broker_killed, broker_away)]
    chosen = [*chosen, *(chance.choice(extra) for _ in range(count - len(chosen)))][:count]
    chance.shuffle(chosen)
    wanted = [TRANSACTION, RESTORING, REBALANCING, IDLE]
    chance.shuffle(wanted)
    return [(fault, wanted[number % 4]) for number, fault in enumerate(chosen)]
