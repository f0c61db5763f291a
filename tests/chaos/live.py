"""Live traffic: a thread that sends events at a rate, most of them of just now, some a little less than a minute old.

The rules of `tests/chaos/rules` look back a minute, so that time alone flips whoever is silent while the run lasts. Some
customers, `c…`, keep to the conditions of *Late*: instants that differ, nothing erased, nothing refused; the set of their
segments must be that of a replay; so do those who log in (`logins.py`). Others, `m…`, do whatever a shop sees. `b…` come in bursts that all fall due at once.
"""

import random
import threading
import time
from dataclasses import dataclass, field

from segments.engine import EngineSettings
from tests.chaos.logins import Logins
from tests.chaos.traffic import DAY, MINUTE, Message, Sender, Shop

GRACE = 500
SETTINGS = EngineSettings(grace=GRACE)
BURST = 400
"""Customers in a burst."""


@dataclass
class Traffic:
    """Sends until stopped."""

    address: str
    shop: Shop
    rate: float
    customers: int = 120
    chance: random.Random = field(init=False)
    logins: Logins = field(init=False)
    sent: int = 0
    _used: dict[str, set[int]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _bursts: list[list[Message]] = field(default_factory=list)
    _failed: BaseException | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(f"live {self.shop.seed}")
        self.logins = Logins(self.shop.seed, self.shop.partitions)
        self._thread = threading.Thread(target=self._run, name="traffic")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> int:
        """End; returns how many were sent."""
        self._stop.set()
        self._thread.join(150)
        if self._failed is not None:
            raise self._failed
        return self.sent

    def burst(self, seconds: float) -> float:
        """Have many customers fall due at one instant, so many seconds from now; returns that instant."""
        due = int((time.time() + seconds) * 1000)
        start = self.shop.made
        names = [f"b{start + number}" for number in range(BURST)]
        self._bursts.append([self._page(name, due - MINUTE) for name in names])
        return due / 1000

    def _page(self, customer: str, at: int) -> Message:
        self.shop.made += 1
        return self.shop.changed("clickstream", customer, at, kind="page_view", event_id=f"p{self.shop.made}")

    def _run(self) -> None:
        try:
            self._send()
        except BaseException as error:  # noqa: BLE001 - told when the traffic is stopped
            self._failed = error

    def _send(self) -> None:
        sender, began, count = Sender(self.address), time.monotonic(), 0
        while not self._stop.is_set():
            if self._bursts:
                for message in self._bursts.pop():
                    sender.send(message)
                    self.sent += 1
            elif self.chance.random() < 0.01:
                sender.in_transaction([self._clean(), self._clean()], commit=self.chance.random() < 0.5)
            else:
                sender.send(self.logins.seldom(self._at()) or self._one())
                self.sent += 1
            count += 1
            time.sleep(max(0.0, began + count / self.rate - time.monotonic()))
        sender.flush()

    def _one(self) -> Message:
        return self._messy() if self.chance.random() < 0.2 else self._clean()

    def _at(self) -> int:
        now = int(time.time() * 1000)
        return now - self.chance.choice((0, 0, 1, 5, 58, 59, 60)) * 1000 - self.chance.randrange(1000)

    def _clean(self) -> Message:
        customer = f"c{self.chance.randrange(self.customers)}"
        used, at = self._used.setdefault(customer, set()), self._at()
        while at in used:
            at -= 1
        used.add(at)
        return self.shop.event(customer, at)

    def _messy(self) -> Message:
        customer, draw = f"m{self.chance.randrange(20)}", self.chance.random()
        if draw < 0.2:
            return self.shop.bad(customer, self._at())
        if draw < 0.3:
            return self.shop.erase(customer)
        if draw < 0.5 and self.shop.recent:
            return self.shop.again()
        if draw < 0.55:
            return self.shop.event(customer, self._at() - 3 * DAY)
        return self.shop.event(customer, self._at())
