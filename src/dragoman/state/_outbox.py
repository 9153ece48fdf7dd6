"""What this process has done and the others are still to hear: gathered, added up, and sent with the next trip."""

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
    """When the slots are free anyhow."""


@dataclass(slots=True)
class Outbox:
    """Slots that are free and outages are told until they are heard. What must not be told twice (corrections, counts,
    observations) is told once: it may be lost with a broken connection, and is never counted double."""

    renewals: dict[str, tuple[float, Sequence[Change]]] = field(default_factory=dict)
    settlements: list[Settlement] = field(default_factory=list)
    outages: dict[str, Outage | None] = field(default_factory=dict)
    counts: dict[CountKey, Counts] = field(default_factory=dict)
    observed: dict[str, dict[str, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.renewals or self.settlements or self.outages or self.counts or self.observed)

    def count(self, key: CountKey, counts: Counts) -> None:
        known = self.counts.get(key, Counts(0, 0))
        self.counts[key] = Counts(known.successes + counts.successes, known.failures + counts.failures)

    def observe(self, key: str, fields: Iterable[str]) -> None:
        known = self.observed.setdefault(key, {})
        for name in fields:
            known[name] = known.get(name, 0) + 1

    def take(self) -> Outbox:
        """What cannot wait; it is not in it then."""
        taken = Outbox(self.renewals, self.settlements, self.outages)
        self.renewals, self.settlements, self.outages = {}, [], {}
        return taken

    def take_patient(self) -> Outbox:
        """Counts and observations, which are added up until the next refresh."""
        taken = Outbox(counts=self.counts, observed=self.observed)
        self.counts, self.observed = {}, {}
        return taken

    def take_again(self, lost: Outbox, now: float) -> None:
        """A trip has failed: keep of what it carried what may be told twice and still matters."""
        self.outages = lost.outages | self.outages
        kept = [it._replace(corrections=()) for it in lost.settlements if it.slots and it.slots_until > now]
        self.settlements = kept + self.settlements

    def commands(self, commands: Commands, now: str) -> list[Command]:
        told = [commands.renew(now, lease, ttl, changes) for lease, (ttl, changes) in self.renewals.items()]
        told += [commands.settle(it.lease, [*it.slots, *it.corrections]) for it in self.settlements]
        told += [
            commands.close_circuit(key) if outage is None else commands.open_circuit(key, outage)
            for key, outage in self.outages.items()
        ]
        told += [commands.count(now, key, counts) for key, counts in self.counts.items()]
        told += [commands.observe(now, key, fields) for key, fields in self.observed.items()]
        return told
