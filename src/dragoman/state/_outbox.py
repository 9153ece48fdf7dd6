"""What this process has done and the others do not know yet: gathered, added up, and sent with the next round trip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dragoman.state._commands import Change, Command, Commands
from dragoman.state._health import CountKey
from dragoman.state.protocol import Counts, Outage

__all__ = ["Outbox", "Settlement"]


class Settlement(NamedTuple):
    lease: str
    slots: Sequence[Change]
    corrections: Sequence[Change]
    slots_until: float
    """When the slots are free in any case."""


@dataclass(slots=True)
class Outbox:
    """Freed slots and outages are sent until they have arrived. What must not be sent twice (corrections, counts,
    observations) is sent once: it may be lost with a broken connection, and is never counted double."""

    renewals: dict[str, tuple[float, Sequence[Change]]] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    outages: dict[str, Outage | None] = field(default_factory=dict)
    counts: dict[CountKey, Counts] = field(default_factory=dict)
    observed: dict[str, dict[str, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.renewals or self.settlements or self.outages or self.counts or self.observed)

    def count(self, key: CountKey, counts: Counts) -> None:
        total = self.counts.get(key, Counts(0, 0))
        self.counts[key] = Counts(total.successes + counts.successes, total.failures + counts.failures)

    def observe(self, key: str, fields: Iterable[str]) -> None:
        totals = self.observed.setdefault(key, {})
        for name in fields:
            totals[name] = totals.get(name, 0) + 1

    def take(self) -> Outbox:
        """Remove and return what cannot wait."""
        taken = Outbox(self.renewals, self.settlements, self.outages)
        self.renewals, self.settlements, self.outages = {}, [], {}
        return taken

    def take_deferred(self) -> Outbox:
        """Remove and return the counts and observations, which are added up until the next refresh."""
        taken = Outbox(counts=self.counts, observed=self.observed)
        self.counts, self.observed = {}, {}
        return taken

    def take_again(self, lost: Outbox, now: float) -> None:
        """Take back from a failed round trip what may be sent twice and still matters."""
        self.outages = lost.outages | self.outages
        kept = [item._replace(corrections=()) for item in lost.settlements if item.slots and item.slots_until > now]
        self.settlements = kept + self.settlements

    def commands(self, commands: Commands, now: str) -> list[Command]:
        result = [commands.renew(now, lease, ttl, changes) for lease, (ttl, changes) in self.renewals.items()]
        result += [commands.settle(item.lease, [*item.slots, *item.corrections]) for item in self.settlements]
        result += [
            commands.close_circuit(key) if outage is None else commands.open_circuit(key, outage)
            for key, outage in self.outages.items()
        ]
        result += [commands.count(now, key, counts) for key, counts in self.counts.items()]
        result += [commands.observe(now, key, fields) for key, fields in self.observed.items()]
        return result
