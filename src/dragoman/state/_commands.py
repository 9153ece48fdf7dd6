"""The commands for Redis: one script for each verb, and the names of its keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import orjson

from dragoman.state._health import CountKey
from dragoman.state._histogram import HALF_LIFE, SERIES, bucket_of
from dragoman.state._window import milliseconds, parts_of, width_of
from dragoman.state.protocol import Claim, Counter, Counts, Outage

__all__ = [
    "CHANGES_AT_A_TIME",
    "OBSERVED_FOR_MS",
    "SCRIPT_NAMES",
    "Change",
    "Command",
    "Commands",
    "Script",
    "field_of",
    "name_of_counts",
    "name_of_seen",
    "scripts",
]

SCRIPT_NAMES = (
    "acquire",
    "claim_probe",
    "close_circuit",
    "count",
    "observe",
    "open_circuit",
    "probe",
    "refresh",
    "renew",
    "settle",
    "used",
)
OBSERVED_FOR_MS = milliseconds(12 * HALF_LIFE)
CHANGES_AT_A_TIME = 100
"""How many changed keys a script reads; the others come with the next round trip, so that neither Redis nor the event loop is
held up."""

Argument: TypeAlias = str | bytes | int


class Command(NamedTuple):
    """One script with its keys and arguments."""

    script: str
    keys: Sequence[str]
    arguments: Sequence[Argument]


@dataclass(frozen=True, slots=True)
class Script:
    text: str
    sha: str


class Change(NamedTuple):
    """An amount in a part of a window. Of slots only the counter matters."""

    counter: Counter
    part: int = 0
    amount: int = 0


def scripts() -> Mapping[str, Script]:
    """Return all scripts, each preceded by what they have in common."""
    from importlib import resources  # slow to import, and not needed without Redis

    folder = resources.files("dragoman.state") / "lua"
    common = (folder / "_window.lua").read_text()
    texts = {name: common + (folder / f"{name}.lua").read_text() for name in SCRIPT_NAMES}
    return {name: Script(text, hashlib.sha1(text.encode()).hexdigest()) for name, text in texts.items()}


def field_of(series: str, milliseconds_taken: float) -> str:
    """Return the field in which one observation is counted."""
    return f"{SERIES.index(series)}:{bucket_of(milliseconds_taken)}"


def name_of_counts(key: CountKey) -> str:
    return f"counts:{milliseconds(key[1])}:{key[0]}"


def name_of_seen(key: str) -> str:
    return f"seen:{key}"


def _shape(counter: Counter) -> tuple[int, int]:
    """Return width and number of a window's parts; zeros for slots."""
    return (0, 0) if counter.seconds is None else (width_of(counter.seconds), parts_of(counter.seconds))


class Commands:
    """Builds commands. All keys have the prefix as their hash tag, as all keys of a script must be in one slot of a cluster."""

    def __init__(self, prefix: str) -> None:
        self.prefix = f"{{{prefix}}}:"
        self._outages = f"{self.prefix}outages"
        self._in_flight = f"{self.prefix}in_flight"
        self._versions = f"{self.prefix}versions"
        self._memory = f"{self.prefix}memory"

    def _counter(self, counter: Counter) -> str:
        kind = "slots" if counter.seconds is None else f"window:{milliseconds(counter.seconds)}"
        return f"{self.prefix}{kind}:{counter.key}"

    def probe(self, name: str) -> Command:
        return Command("probe", [self._memory], [name])

    def _probe(self, key: str) -> str:
        return f"{self.prefix}probe:{key}"

    def acquire(self, now: str, lease: str, claims: Sequence[Claim], ttl: float) -> Command:
        arguments: list[Argument] = [now, lease, milliseconds(ttl)]
        for claim in claims:
            arguments += [claim.limit, claim.amount, *_shape(claim.counter)]
        return Command("acquire", [self._counter(claim.counter) for claim in claims], arguments)

    def settle(self, lease: str, changes: Sequence[Change]) -> Command:
        return self._changes("settle", [lease], changes)

    def renew(self, now: str, lease: str, ttl: float, changes: Sequence[Change]) -> Command:
        return self._changes("renew", [now, lease, milliseconds(ttl)], changes)

    def _changes(self, script: str, arguments: list[Argument], changes: Sequence[Change]) -> Command:
        for change in changes:
            arguments += [*_shape(change.counter), change.part, change.amount]
        return Command(script, [self._counter(change.counter) for change in changes], arguments)

    def used(self, now: str, counters: Sequence[Counter]) -> Command:
        arguments: list[Argument] = [now]
        for counter in counters:
            arguments += _shape(counter)
        return Command("used", [self._counter(counter) for counter in counters], arguments)

    def open_circuit(self, key: str, outage: Outage) -> Command:
        return Command(
            "open_circuit",
            [self._outages, self._probe(key)],
            [key, milliseconds(outage.until), orjson.dumps(outage)],
        )

    def close_circuit(self, key: str) -> Command:
        return Command("close_circuit", [self._outages, self._probe(key)], [key])

    def claim_probe(self, now: str, key: str, ttl: float) -> Command:
        return Command("claim_probe", [self._probe(key)], [now, milliseconds(ttl)])

    def count(self, now: str, key: CountKey, counts: Counts) -> Command:
        name = name_of_counts(key)
        shape = (width_of(key[1]), parts_of(key[1]))
        return Command("count", [self.prefix + name, self._versions], [now, *shape, name, *counts])

    def observe(self, now: str, key: str, fields: Mapping[str, int]) -> Command:
        name = name_of_seen(key)
        arguments: list[Argument] = [now, milliseconds(HALF_LIFE), OBSERVED_FOR_MS, name]
        for field, count in fields.items():
            arguments += [field, count]
        return Command("observe", [self.prefix + name, self._versions], arguments)

    def refresh(
        self, now: str, process: str, in_flight: bytes, alive: float, since: int, watched: Iterable[Counter]
    ) -> Command:
        """Return the command for a refresh. `in_flight` is empty when this process ends."""
        watched = tuple(watched)
        arguments: list[Argument]
        arguments = [now, process, in_flight, milliseconds(alive), since, CHANGES_AT_A_TIME, self.prefix]
        arguments += ["slots" if counter.seconds is None else "window" for counter in watched]
        keys = [self._outages, self._in_flight, self._versions, self._memory, *map(self._counter, watched)]
        return Command("refresh", keys, arguments)
