"""A log of any length: read once, and then given in the order in which its calls began. What is too much for memory is on disk."""

from __future__ import annotations

import heapq
import os
import pickle
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from dragoman.routing.replay._logged import BadLine, LoggedCall, call_of

__all__ = ["Log", "Malformed", "Sample", "Times", "read_log"]

_RUN_BYTES = 16 * 2**20
"""So much of a log is sorted in memory; calls take some four times what their lines take."""
_BLOCK = 100
"""Rows that are read at a time."""
_MOST_TOLD = 20
"""Malformed lines that are reported one by one."""
_MOST_TARGETS = 8
"""Names of one id that are followed at most."""


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

    def add(self, call: LoggedCall) -> None:
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
    """No two rows have the same, so that no calls are compared."""
    call: LoggedCall


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
    _rows: list[_Row] = field(default_factory=list)
    _runs: list[_Blocks] = field(default_factory=list)
    _disk: _Disk | None = None

    def __iter__(self) -> Iterator[LoggedCall]:
        for row in heapq.merge(self._rows, *(run.rows() for run in self._runs)):
            yield row.call

    def close(self) -> None:
        if self._disk is not None:
            self._disk.close()

    def add(self, line: int, call: LoggedCall) -> None:
        self.calls += 1
        self.times.add(call)
        for outcome in call.outcomes:
            if outcome.deployment and outcome.target:
                known = self.targets.setdefault(outcome.deployment, set())
                if len(known) < _MOST_TARGETS:
                    known.add(outcome.target)
        self._rows.append(_Row(call.at, line, call))

    def sort(self) -> None:
        """What is in memory."""
        self._rows.sort()

    def put_aside(self) -> None:
        """The same goes to the disk."""
        self.sort()
        if self._disk is None:
            self._disk = _Disk()
        self._runs.append(self._disk.put(self._rows))
        self._rows = []

    def refuse(self, line: int, reason: str) -> None:
        self.malformed += 1
        if len(self.malformed_lines) < _MOST_TOLD:
            self.malformed_lines.append(Malformed(line, reason))


class _Disk:
    """Rows that wait outside of memory, in one file that is gone when it is closed, or with the process."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the object
        self.close = self._file.close

    def put(self, rows: Sequence[_Row]) -> _Blocks:
        places: list[int] = []
        for block in range(0, len(rows), _BLOCK):
            places.append(self._file.seek(0, os.SEEK_END))
            pickle.dump(rows[block : block + _BLOCK], self._file, pickle.HIGHEST_PROTOCOL)
        return _Blocks(self._file, places)


class _Blocks(NamedTuple):
    """One run of rows, read a block at a time."""

    file: IO[bytes]
    places: Sequence[int]

    def rows(self) -> Iterator[_Row]:
        for place in self.places:
            self.file.seek(place)
            yield from pickle.load(self.file)  # written by this process


def read_log(lines: Iterable[bytes], run_bytes: int = _RUN_BYTES) -> Log:
    """Lines that tell of no call are counted, and those that should are named. `run_bytes`: what is sorted at a time."""
    log = Log()
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
        log.add(number, call)
        size += len(text)
        if size >= run_bytes:
            log.put_aside()
            size = 0
    log.sort()
    return log
