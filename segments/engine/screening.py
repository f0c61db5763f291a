"""Step 2 of SEMANTICS.md, section 3: records that end at the state of their customer, and those that pass a limit."""

from segments.engine import admission
from segments.engine.customer import Customer, is_full
from segments.engine.machine import Machine
from segments.engine.records import (
    CONSENTS_ALONE,
    CURRENCY_CASE,
    ERASED_NOBODY,
    PROFILES,
    TOO_OLD,
    TRANSACTIONS,
    EngineSettings,
    Event,
    Notice,
    Record,
    Refusal,
)
from segments.engine.weight import is_heavy
from segments.plan.planner import Plan

Screened = tuple[str | None, Refusal | None, Record]
"""The outcome of a record that ends here, why it is refused if it is, and else the record to go on with."""


class Screening:
    """Looks at each record of one partition, and notes what its sender may not have meant."""

    def __init__(self, plan: Plan, settings: EngineSettings, machine: Machine) -> None:
        """Screen for the rules of a plan; notices go where the machine puts what it does."""
        self._plan, self._settings, self._machine = plan, settings, machine
        self.told: dict[tuple[str, int], tuple[Refusal, bool]] = {}
        """By topic and offset what is to be refused, and whether a profile's consents, too; see `Partition.refuse`."""

    def told_to_refuse(self, record: Record) -> Refusal | None:
        """Why a record is refused that was named beforehand, None if it is not."""
        refusal, outright = self.told.pop((record.topic, record.offset), (None, False))
        if refusal is None or outright or record.topic != PROFILES or record.event is None:
            return refusal
        record.over = refusal
        return None

    def of(self, customer: Customer, record: Record, clock: int) -> Screened:
        """Screen a record of a customer, at the clock of the partition."""
        event = record.event
        if not isinstance(event, dict):
            if customer.blank:
                self._notice(ERASED_NOBODY, record)
            return None, None, record
        outcome = admission.without_effect(customer, record, clock, self._plan.retention)
        if outcome is not None:
            if outcome == "ignored" and admission.too_old(record, clock, self._plan.retention):
                self._notice(TOO_OLD, record)
            return outcome, None, record
        over = record.over or self._over_limit(customer, record.at)
        if over is None:
            return None, None, record
        if record.topic != PROFILES or not admission.takes_consent(customer, event):
            return "dead_letter", over, record
        self._notice(CONSENTS_ALONE, record)
        return None, None, admission.consents_alone(customer, record, self._settings.customer_bytes)

    def notice_currency(self, record: Record) -> None:
        """Note a transaction whose currency is not written in capital letters."""
        if record.topic == TRANSACTIONS:
            event: Event = record.event  # type: ignore[assignment]
            named: str = event["currency"]
            if named != self._settings.currency and named.upper() == self._settings.currency:
                self._notice(CURRENCY_CASE, record)

    def _over_limit(self, customer: Customer, at: int) -> Refusal | None:
        """Why a customer can't have another event: what is needed of the earlier ones is as much as may be."""
        entries, size = self._settings.customer_limit, self._settings.customer_bytes
        if customer.entries >= entries and is_full(customer, self._plan, at, entries):
            error = f"The customer occupies {customer.entries} entries of {entries}."
        elif customer.entries >= customer.heavy_from and is_heavy(customer, self._plan, at, size):
            error = f"The customer occupies {size} bytes of {size}, or more."
        else:
            return None
        return Refusal("customer_limit", error)

    def _notice(self, kind: str, record: Record) -> None:
        key: bytes = record.key  # type: ignore[assignment]
        self._machine.out.notices.append(Notice(kind, record.topic, record.offset, key))
