"""A log of any length: read once, and then given in the order in which its calls began. What is too much for memory is on disk."""

from __future__ import annotations

import heapq
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from dragoman.routing._logged import BadLine, Logged, call_of

__all__ = ["Log", "Malformed", "Sample", "Times", "read_log"]

_RUN_BYTES = 32 * 2**20
"""So much of a log is sorted in memory."""
_MOST_TOLD = 20
"""Malformed lines that are told one by one."""
_MOST_TARGETS = 8
"""Of one id: who renames more often is not followed."""


class Malformed(NamedTuple):
    """A line that should tell of a call, and does not."""

    line: int
    """From 1 on."""
    reason: str


class Sample(NamedTuple):
    """How long calls took."""

    mean: float
    """Milliseconds."""
    calls: int


class Times:
    """How long whole calls took, by deployment and by model, as the log says."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._calls: Counter[tuple[str, str]] = Counter()

    def add(self, call: Logged) -> None:
        where, took = call.where, call.milliseconds
        if call.error or where is None or not where.target:
            return
        if len(call.outcomes) > 1:  # the call's own time is not that of the one who answered
            took = None if call.stream else where.milliseconds
        if took is not None:
            for key in ((where.target, ""), (where.target, where.deployment)):
                self._sums[key] += took
                self._calls[key] += 1

    def at(self, target: str, deployment: str) -> Sample | None:
        """Of the deployment, or else of its model; None: no answered call of the log went there."""
        for key in ((target, deployment), (target, "")):
            if calls := self._calls[key]:
                return Sample(self._sums[key] / calls, calls)
        return None


class _Row(NamedTuple):
    at: float
    line: int
    text: bytes


@dataclass(slots=True)
class Log:
    """Iterated over, it gives the calls, the first first. To be closed when it is read no more."""

    calls: int = 0
    skipped: int = 0
    """Lines that tell of something else."""
    malformed: int = 0
    malformed_lines: list[Malformed] = field(default_factory=list)
    """The first of them."""
    times: Times = field(default_factory=Times)
    targets: dict[str, set[str]] = field(default_factory=dict)
    """By the id of a deployment, which `provider/model` it was."""
    _sorted: list[Iterable[_Row]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Logged]:
        for row in heapq.merge(*self._sorted):
            call = call_of(row.text)
            assert call is not None
            yield call

    def close(self) -> None:
        for rows in self._sorted:
            if isinstance(rows, _OnDisk):
                rows.close()

    def learn(self, call: Logged) -> None:
        self.calls += 1
        self.times.add(call)
        for outcome in call.outcomes:
            if outcome.deployment and outcome.target:
                known = self.targets.setdefault(outcome.deployment, set())
                if len(known) < _MOST_TARGETS:
                    known.add(outcome.target)

    def refuse(self, line: int, reason: str) -> None:
        self.malformed += 1
        if len(self.malformed_lines) < _MOST_TOLD:
            self.malformed_lines.append(Malformed(line, reason))

    def keep(self, rows: list[_Row], *, in_memory: bool) -> None:
        rows.sort()
        self._sorted.append(rows if in_memory else _OnDisk(rows))


class _OnDisk:
    """Rows in their order. The file is gone when it is closed, or with the process."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the object
        self._file.writelines(b"%r %d %b\n" % row for row in rows)

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[_Row]:
        self._file.seek(0)
        for line in self._file:
            at, number, text = line.split(b" ", 2)
            yield _Row(float(at), int(number), text)


def read_log(lines: Iterable[bytes], run_bytes: int = _RUN_BYTES) -> Log:
    """Lines that tell of no call are counted, and those that should are named. `run_bytes`: what is sorted at a time."""
    log = Log()
    rows: list[_Row] = []
    size = 0
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text:
            continue
        try:
            call = call_of(text)
        except BadLine as error:
            log.refuse(number, str(error))
            continue
        if call is None:
            log.skipped += 1
            continue
        log.learn(call)
        rows.append(_Row(call.at, number, text))
        size += len(text)
        if size >= run_bytes:
            log.keep(rows, in_memory=False)
            rows, size = [], 0
    log.keep(rows, in_memory=True)
    return log
