"""What a replay tells: counted call by call, so that it needs the same memory for any number of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypeVar

from dragoman.errors import DragomanError
from dragoman.routing.replay._log_file import Log, Malformed, Times
from dragoman.routing.replay._logged import LoggedCall
from dragoman.types.cost import dollars

__all__ = ["Move", "Replay", "ReplayTally", "Total", "Went"]

_N = TypeVar("_N", int, float)
_NOBODY = "nobody"
_USED = re.compile(r"at its limit: \d+ of")
_MOST_ROWS = 1000
"""Moves and reasons that are counted apart at most; with patterns callers make up names."""
_OTHERS = "others"


class Went(NamedTuple):
    """One call, and where it went. Either it failed with `error`, or `deployment` answered, or it is not known (`doubts`)."""

    logged: LoggedCall
    error: DragomanError | None = None
    deployment: str = ""
    target: str = ""
    is_there: tuple[bool, bool] = (False, False)
    """That the log says so: of the deployment, and of its provider and model."""
    breaks_off: bool = False
    """Its stream breaks off, as it did."""
    milliseconds: float | None = None
    cost: int | None = None
    """Nano-dollars."""
    by_fallback: bool = False
    doubts: tuple[str, ...] = ()
    assumed: bool = False
    inferred: bool = False

    @property
    def answered(self) -> bool:
        return self.error is None and not self.breaks_off


@dataclass(frozen=True, slots=True)
class Total:
    """Of the calls that are answered before and after, and for which both sides are known."""

    before: str | float | None
    after: str | float | None
    calls: int
    unknown: int
    """Calls of which one side is not known."""


@dataclass(frozen=True, slots=True)
class Move:
    """Calls that would go to another model, or to another provider."""

    before: str
    after: str
    calls: int
    cost: Total
    """US dollars, exactly."""
    milliseconds: Total
    """On average."""
    sample: int
    """The log's answered calls of `after`, from which its time is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    calls: int
    skipped: int
    """Lines of the log that tell of something else."""
    malformed: int
    """Lines that should tell of a call, and do not."""
    malformed_lines: tuple[Malformed, ...]
    """The first of them."""
    unchanged: int
    elsewhere: int
    """To another deployment of the same model."""
    moved: int
    fails_again: int
    becomes_answer: int
    """Failed in the log, and would be answered."""
    becomes_failure: int
    """Answered in the log, and would fail."""
    not_judged: int
    """All calls are in one of these seven."""
    by_fallback: int
    """Of all, those that a fallback answers."""
    assumed: int
    """Of all, those that go to a deployment that the log did not ask for them, and that is taken to answer."""
    inferred: int
    """The same, where it is taken to fail, as its last call of the last minute did."""
    moves: tuple[Move, ...]
    """The most first."""
    answers: Mapping[str, int]
    """`error -> provider/model` of calls that become answers -> how many."""
    reasons: Mapping[str, int]
    """Why calls become failures -> how many."""
    doubts: Mapping[str, int]
    """Why calls are not judged -> how many."""
    not_known: Mapping[str, int]
    """What the configuration looks at and the log does not tell -> for how many calls."""
    cost: Total
    milliseconds: Total

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON's values."""
        return {**asdict(self), "malformed_lines": [item._asdict() for item in self.malformed_lines]}


@dataclass(slots=True)
class _Sum:
    """Of calls that are answered on both sides."""

    calls: int = 0
    cost: list[int] = field(default_factory=lambda: [0, 0, 0])
    """Before, after, and of how many."""
    milliseconds: list[float] = field(default_factory=lambda: [0.0, 0.0, 0])

    def add(self, went: Went) -> None:
        self.calls += 1
        _add(self.cost, went.logged.cost, went.cost)
        _add(self.milliseconds, went.logged.milliseconds, went.milliseconds)

    def costs(self) -> Total:
        previous, after, known = self.cost
        if not known:
            return Total(None, None, 0, self.calls)
        return Total(dollars(previous), dollars(after), known, self.calls - known)

    def times(self) -> Total:
        previous, after, count = self.milliseconds
        known = int(count)
        if not known:
            return Total(None, None, 0, self.calls)
        return Total(round(previous / known, 1), round(after / known, 1), known, self.calls - known)


def _add(sums: list[_N], previous: _N | None, after: _N | None) -> None:
    if previous is not None and after is not None:
        sums[:] = (sums[0] + previous, sums[1] + after, sums[2] + 1)


class ReplayTally:
    def __init__(self, times: Times) -> None:
        self._times = times
        self._kinds: Counter[str] = Counter()
        self._all = _Sum()
        self._moves: dict[tuple[str, str], _Sum] = {}
        self._tables: dict[str, Counter[str]] = {}

    def add(self, went: Went, unseen: Sequence[str] = ()) -> None:
        kind = self._kind(went)
        self._kinds[kind] += 1
        for what in unseen:
            self._count("not_known", what)
        if kind == "not_judged":
            self._count("doubts", went.doubts[0])
            return
        self._kinds.update({"by_fallback": went.by_fallback, "assumed": went.assumed, "inferred": went.inferred})
        if kind == "becomes_failure":
            self._count("reasons", _reason(went.error))
        elif kind == "becomes_answer":
            self._count("answers", f"{went.logged.error} -> {went.target}")
        elif kind != "fails_again":
            self._all.add(went)
            if kind == "moved":
                self._move_of(went).add(went)

    def _kind(self, went: Went) -> str:
        if went.doubts:
            return "not_judged"
        if went.logged.error:
            return "becomes_answer" if went.answered else "fails_again"
        if not went.answered:
            return "becomes_failure"
        deployment, target = went.is_there
        return "unchanged" if deployment else "elsewhere" if target else "moved"

    def _count(self, table: str, row: str) -> None:
        counts = self._tables.setdefault(table, Counter())
        counts[row if row in counts or len(counts) < _MOST_ROWS else _OTHERS] += 1

    def _move_of(self, went: Went) -> _Sum:
        where = went.logged.where
        key = ((where.target if where else "") or _NOBODY, went.target)
        if key not in self._moves and len(self._moves) >= _MOST_ROWS:
            key = _OTHERS, _OTHERS
        return self._moves.setdefault(key, _Sum())

    def report(self, log: Log) -> Replay:
        kinds = self._kinds
        counted = ("unchanged", "elsewhere", "moved", "fails_again", "becomes_answer", "becomes_failure", "not_judged")
        more = ("by_fallback", "assumed", "inferred")
        tables = ("answers", "reasons", "doubts", "not_known")
        return Replay(
            calls=log.calls,
            skipped=log.skipped,
            malformed=log.malformed,
            malformed_lines=tuple(log.malformed_lines),
            moves=tuple(self._sorted_moves()),
            cost=self._all.costs(),
            milliseconds=self._all.times(),
            **{name: dict(self._tables.get(name, Counter()).most_common()) for name in tables},  # type: ignore[arg-type]
            **{name: kinds[name] for name in (*counted, *more)},  # type: ignore[arg-type]
        )

    def _sorted_moves(self) -> Iterable[Move]:
        for (previous, after), sums in sorted(self._moves.items(), key=lambda item: (-item[1].calls, item[0])):
            sample = self._times.at(after, "")
            yield Move(previous, after, sums.calls, sums.costs(), sums.times(), 0 if sample is None else sample.calls)


def _reason(error: DragomanError | None) -> str:
    """The same for all calls of a model, whatever is used of a limit at the moment."""
    if error is None:
        return "its stream breaks off"
    return _USED.sub("at its limit of", f"{type(error).__name__}: {error.message}")
