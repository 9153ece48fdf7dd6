"""What travels between this process and the shared store: what is sent, what is held there, and what is loaded."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from dragoman.state._commands import CHANGES_AT_A_TIME, Change, Command, Commands
from dragoman.state._expiring_dict import ExpiringDict
from dragoman.state._limits import Lease, lasting
from dragoman.state._outbox import Outbox, Settlement
from dragoman.state._snapshot import Snapshot, load
from dragoman.state.memory import MemoryStore
from dragoman.state.protocol import Claim, Counter, LimitRefusal

__all__ = ["SharedReplica", "refusal_in"]

_CLOCKS_AGREE = 0.1
"""Seconds by which two clocks may differ, as a reply takes some time to arrive."""


class SharedReplica:
    """This process's copy of the shared state, and what has to be exchanged with the store."""

    def __init__(self, commands: Commands, alive: float, now: Callable[[], float] | None) -> None:
        self.commands = commands
        self.outbox = Outbox()
        self.leases: ExpiringDict[str, Lease] = ExpiringDict(lambda lease, now: lease.known_until <= now)
        """The leases that the shared store knows. The local one knows all."""
        self.process = uuid.uuid4().hex
        self._alive_seconds = alive
        self._now = now
        self._offset = 0.0
        self._sent = Outbox()
        self._version = 0
        self._memory = b""
        self._watched: Sequence[Counter] = ()
        self.local = MemoryStore(self.now)

    def now(self) -> float:
        return self._now() if self._now else time.time() + self._offset

    @property
    def clock(self) -> str:
        """The time for scripts; empty: they use the clock of Redis."""
        return str(int(self._now() * 1000)) if self._now else ""

    # What the background task exchanges.

    def outgoing(self) -> list[Command]:
        """Return the commands that cannot wait."""
        self._sent = self.outbox.take()
        return self._sent.commands(self.commands, self.clock)

    def deferred(self) -> list[Command]:
        """Return the commands that wait for a refresh, and are sent once."""
        return self.outbox.take_deferred().commands(self.commands, self.clock)

    def on_sent(self) -> None:
        """Note that the last outgoing commands have been run."""
        self._sent = Outbox()

    def on_failed(self) -> None:
        """Note that the last outgoing commands may have been run, or not. Of what happens while the store does not answer,
        only what matters later is kept."""
        self.outbox.take_again(self._sent, self.now())
        self.outbox.take_again(self.outbox.take(), self.now())
        self.outbox.take_deferred()
        self._sent = Outbox()

    def probe(self) -> Command:
        """Return the command that finds out whether the store answers, and whether it has kept its memory."""
        return self.commands.probe(uuid.uuid4().hex)

    def refresh(self, *, is_more: bool = False, is_last: bool = False) -> Command:
        """Return the command that loads what all processes know; `is_more`: the changes that the last refresh left out."""
        self._watched = () if is_more else tuple(self.local.limits.shown)
        in_flight = b"" if is_last else orjson.dumps(self.local.health.in_flight)
        return self.commands.refresh(
            self.clock, self.process, in_flight, self._alive_seconds, self._version, self._watched
        )

    def load(self, reply: Sequence[Any]) -> bool:
        """Load the reply to a refresh, and return whether there are more changes to load."""
        snapshot = Snapshot(*reply)
        offset = snapshot.now_ms / 1000 - time.time()
        if abs(offset - self._offset) > _CLOCKS_AGREE:
            self._offset = offset
        self._version = snapshot.version
        load(snapshot, self.local, self.process, self._watched, self.outbox)
        return len(snapshot.changes) >= CHANGES_AT_A_TIME

    def hand_over(self, memory: bytes) -> None:
        """The shared store is back, perhaps without its memory: send what is held and what is out, and load everything anew."""
        now = self.now()
        self._version = 0
        has_forgotten, self._memory = memory != self._memory, memory
        if has_forgotten:
            self.leases.clear()
        with self.local.lock:
            for key, outage in self.local.health.outages.items():
                # Otherwise the store knows them: what it no longer has, others have closed.
                if has_forgotten and outage.until > now:
                    self.outbox.outages.setdefault(key, outage)
            leases = self.local.limits.leases
            # A lost round trip may have acquired what the local store then acquired too: it is held, and must not be freed.
            self.outbox.settlements = [item for item in self.outbox.settlements if item.lease not in leases]
            for name, lease in leases.items():
                self._hand_over_lease(name, lease, now)

    def _hand_over_lease(self, name: str, lease: Lease, now: float) -> None:
        slots_until = max((self.local.limits.held_until(name, counter) for counter in lease.slots()), default=now)
        changes = [Change(counter) for counter in lease.slots() if slots_until > now]
        if name not in self.leases:
            parts = zip(lease.claims, lease.parts, strict=True)
            changes += [Change(claim.counter, part, claim.amount) for claim, part in parts if part is not None]
            self.leases.keep(name, lease, now)
        if changes:
            self.outbox.renewals[name] = (slots_until - now, changes)

    # What happens to leases.

    def acquired(self, lease: str, claims: Sequence[Claim], ttl: float, reply: Sequence[int]) -> LimitRefusal | None:
        """Read a reply of `acquire.lua`, and keep what was acquired."""
        refusal = refusal_in(reply, claims)
        if refusal is not None:
            return refusal
        _, _, *rest = reply
        now = self.now()
        parts = [None if part < 0 else part for part in rest]
        self.leases.keep(lease, Lease(claims, parts, now + lasting(claims, ttl)), now)
        self.local.admit(lease, claims, ttl)
        return None

    def give_up(self, lease: str, claims: Sequence[Claim], ttl: float, reply: Sequence[int] | None) -> None:
        """Undo what was acquired for a caller that has gone. Without a reply it is unknown whether it was, and only slots are
        freed."""
        if reply is not None and reply[1]:
            return
        parts = [None if part < 0 else part for part in reply[2:]] if reply is not None else [None for _ in claims]
        nothing = {claim.counter.key: 0 for claim in claims}
        self._settle(lease, Lease(claims, parts, self.now() + ttl), nothing)

    def settle(self, lease: str, amounts: Mapping[str, int]) -> None:
        self.local.settle(lease, amounts)
        self.outbox.renewals.pop(lease, None)
        held = self.leases.pop(lease, None)
        if held is not None:
            self._settle(lease, held, amounts)

    def _settle(self, lease: str, held: Lease, amounts: Mapping[str, int]) -> None:
        slots = [Change(counter) for counter in held.slots()]
        corrections = [Change(*correction) for correction in held.corrections(amounts)]
        if slots or corrections:
            self.outbox.settlements.append(Settlement(lease, slots, corrections, held.known_until))

    def renew(self, lease: str, ttl: float) -> None:
        self.local.renew(lease, ttl)
        held = self.leases.get(lease)
        if held is not None and (slots := [Change(counter) for counter in held.slots()]):
            held.known_until = max(held.known_until, self.now() + ttl)
            self.outbox.renewals[lease] = (ttl, slots)


def refusal_in(reply: Sequence[int], claims: Sequence[Claim]) -> LimitRefusal | None:
    """Return what a reply of `acquire.lua` refuses."""
    _, refused, *rest = reply
    if not refused:
        return None
    used, wait = rest
    return LimitRefusal(claims[refused - 1], used, None if wait < 0 else wait / 1000)
