"""Load the reply to a refresh into this process's memory."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson

from dragoman.state._commands import name_of_counts, name_of_seen
from dragoman.state._health import LocalHealth
from dragoman.state._histogram import SERIES, LatencyHistogram, Observed
from dragoman.state._outbox import Outbox
from dragoman.state.memory import MemoryStore
from dragoman.state.protocol import Counter, Outage

__all__ = ["Snapshot", "load"]


class Snapshot(NamedTuple):
    """The reply of `refresh.lua`."""

    now_ms: int
    outages: Sequence[bytes]
    in_flight: Sequence[bytes]
    version: int
    changes: Sequence[tuple[bytes, Sequence[bytes]]]
    watched: Sequence[Sequence[bytes]]


def load(snapshot: Snapshot, store: MemoryStore, process: str, watched: Sequence[Counter], unsent: Outbox) -> None:
    """Replace what this process knows by what all know together, but for what the others do not know yet."""
    now = store.now()
    with store.lock:
        _load_outages(snapshot.outages, store.health, now)
        store.health.load_in_flight(_in_flight(snapshot.in_flight, process))
        for name, values in snapshot.changes:
            _load_change(name.decode(), dict(_pairs(values)), store.health, now)
        for counter, raw in zip(watched, snapshot.watched, strict=True):
            _load_counter(counter, dict(_pairs(raw)), store, now)
        _repeat(unsent, snapshot, store.health, now)
        store.tick(now)


def _pairs(flat: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    return zip((name.decode() for name in flat[::2]), flat[1::2], strict=True)


def _load_outages(flat: Sequence[bytes], health: LocalHealth, now: float) -> None:
    read = {key: Outage(**orjson.loads(value.partition(b" ")[2])) for key, value in _pairs(flat)}
    health.load_outages(read, now)


def _in_flight(flat: Sequence[bytes], process: str) -> Mapping[str, int]:
    total: Tally[str] = Tally()
    for name, value in _pairs(flat):
        if name != process:
            total.update(orjson.loads(value.partition(b" ")[2]))
    return total


def _load_change(name: str, values: Mapping[str, bytes], health: LocalHealth, now: float) -> None:
    kind, _, key = name.partition(":")
    if not values:
        return
    if kind == "seen":
        health.observed.keep(key, _observed(values), now)
    else:
        window, _, key = key.partition(":")
        rings = (_ring(values, "s"), _ring(values, "f"))
        health.load_counts((key, int(window) / 1000), int(values["last"]), rings, now)


def _observed(values: Mapping[str, bytes]) -> Observed:
    start = int(values["start"]) / 1000
    weights: list[list[tuple[int, float]]] = [[] for _ in SERIES]
    for name, weight in values.items():
        series, _, bucket = name.partition(":")
        if bucket:
            weights[int(series)].append((int(bucket), float(weight)))
    latency, first_content, per_token = (LatencyHistogram(start, buckets) for buckets in weights)
    return Observed(latency, first_content, per_token, int(values["last"]) / 1000)


def _ring(values: Mapping[str, bytes], series: str) -> dict[int, int]:
    """Return the parts of one series, whose fields are the series' name and a number."""
    parts = ((name[len(series) :], value) for name, value in values.items() if name.startswith(series))
    return {int(part): int(value) for part, value in parts if part.isdigit()}


def _load_counter(counter: Counter, values: Mapping[str, bytes], store: MemoryStore, now: float) -> None:
    if counter.seconds is None:
        slots = {lease: float(until) / 1000 for lease, until in values.items()}
        store.limits.load_slots(counter, slots, now)
    else:
        store.limits.load_window(counter, int(values.get("last", 0)), _ring(values, ""), now)


def _repeat(unsent: Outbox, snapshot: Snapshot, health: LocalHealth, now: float) -> None:
    """Apply again what has happened here while the snapshot was under way."""
    for key, outage in unsent.outages.items():
        if outage is None:
            health.close_circuit(key)
        else:
            health.open_circuit(key, outage)
    names = {name.decode() for name, _ in snapshot.changes}
    for counted, counts in unsent.counts.items():
        if name_of_counts(counted) in names:
            health.add_counts(counted, counts, now)
    for key, fields in unsent.observed.items():
        if name_of_seen(key) in names:
            _repeat_observed(health.observed[key], fields.items(), now)


def _repeat_observed(observed: Observed, fields: Iterable[tuple[str, int]], now: float) -> None:
    observed.seen(now)
    series: Sequence[LatencyHistogram] = (observed.latency, observed.first_content, observed.per_token)
    for name, count in fields:
        number, _, bucket = name.partition(":")
        series[int(number)].add_bucket(int(bucket), count, now)
