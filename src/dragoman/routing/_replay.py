"""What yesterday's calls would have done under other settings: the same choices at the same times, and nothing sent.

Every call is taken to be answered by the deployment that it goes to, as fast as the log's own calls were there."""

from __future__ import annotations

import datetime
import heapq
import itertools
import random
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from dragoman.errors import DragomanError
from dragoman.models import cost_of, price_context
from dragoman.routing import _fallbacks
from dragoman.routing._call import Call
from dragoman.routing._clock import Clock
from dragoman.routing._deployment import Deployment
from dragoman.routing._limits import spent
from dragoman.routing._logged import Log, Logged
from dragoman.routing._retry import nobody_can_be_asked
from dragoman.routing._router import Router
from dragoman.routing._seek import Admitted, Seeker
from dragoman.types.cost import dollars

__all__ = ["Move", "Replay", "Then", "Total", "replay"]

_NOBODY = "nobody"
_USED = re.compile(r"at its limit: \d+ of")


class Then:
    """A clock that shows the time of the call that is replayed, and chance that is the same each time."""

    def __init__(self, seed: int = 0) -> None:
        self.now = 0.0
        self.clock = Clock(
            monotonic=lambda: self.now, time=lambda: self.now, random=random.Random(seed).random, sleep=self._sleep
        )

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Total:
    """Of the calls for which both sides are known."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    calls: int
    skipped: int
    """Lines of the log that tell of no call."""
    unchanged: int
    elsewhere: int
    """To another deployment of the same model."""
    moved: int
    unroutable: int
    by_fallback: int
    """Of all, those that a fallback takes as no deployment of their own model can be asked."""
    moves: tuple[Move, ...]
    """The most first."""
    reasons: Mapping[str, int]
    """Why calls cannot be routed -> how many."""
    cost: Total
    milliseconds: Total

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON's values."""
        return asdict(self)


class _Gone(NamedTuple):
    """Where a call went."""

    logged: Logged
    deployment: Deployment | None
    milliseconds: float | None
    cost: int | None
    by_fallback: bool = False
    reason: str = ""

    @property
    def target(self) -> str:
        return _NOBODY if self.deployment is None else f"{self.deployment.provider.name}/{self.deployment.model}"


async def replay(router: Router, log: Log, then: Then) -> Replay:
    """`router` was made with the clock of `then` and a store of its own."""
    course = _Course(router, then, _Times(log.calls))
    gone = [await course.run(number, logged) for number, logged in enumerate(log.calls)]
    routed = [each for each in gone if each.deployment is not None]
    same = [each for each in routed if each.target == each.logged.target]
    there = sum(each.deployment is not None and each.deployment.id == each.logged.deployment for each in same)
    moved = [each for each in routed if each.target != each.logged.target]
    return Replay(
        calls=len(gone),
        skipped=log.skipped,
        unchanged=there,
        elsewhere=len(same) - there,
        moved=len(moved),
        unroutable=len(gone) - len(routed),
        by_fallback=sum(each.by_fallback for each in gone),
        moves=_moves(moved),
        reasons=dict(Counter(each.reason for each in gone if each.reason).most_common()),
        cost=_cost(gone),
        milliseconds=_milliseconds(gone),
    )


class _Times:
    """How long calls took, by deployment and by model, as the log says."""

    def __init__(self, calls: Sequence[Logged]) -> None:
        seen: dict[tuple[str, str], list[float]] = defaultdict(list)
        for call in calls:
            if call.answered and call.milliseconds is not None and call.target:
                seen[call.target, ""].append(call.milliseconds)
                seen[call.target, call.deployment].append(call.milliseconds)
        self._medians = {key: statistics.median(times) for key, times in seen.items()}

    def at(self, target: str, deployment: str) -> float | None:
        """None: no call of the log went there."""
        return self._medians.get((target, deployment), self._medians.get((target, "")))


@dataclass(slots=True)
class _Course:
    """The calls in their order, those that overlapped overlapping."""

    router: Router
    then: Then
    times: _Times
    _running: list[tuple[float, int, Admitted, Logged, float]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    async def run(self, number: int, logged: Logged) -> _Gone:
        self._end_until(logged.at)
        self.then.now = max(self.then.now, logged.at)
        request = logged.request
        call = Call(
            operation=logged.operation,
            model=logged.model,
            request=request,
            stream=logged.stream,
            request_id=f"replay_{number}",
        )
        try:
            found, by_fallback = await _would_ask(self.router, call, self.then.now)
        except DragomanError as error:
            return _Gone(logged, None, None, None, reason=_reason(error))
        deployment = found.choice.member.deployment
        target = f"{deployment.provider.name}/{deployment.model}"
        as_before = (target, deployment.id) == (logged.target, logged.deployment)
        took = logged.milliseconds if as_before else self.times.at(target, deployment.id)
        self._begin(found, logged, took if took is not None else logged.milliseconds or 0.0)
        return _Gone(logged, deployment, took, _price(logged, deployment, request), by_fallback)

    def _begin(self, found: Admitted, logged: Logged, milliseconds: float) -> None:
        self.router.store.began(found.choice.member.key)
        over = self.then.now + milliseconds / 1000
        heapq.heappush(self._running, (over, next(self._numbers), found, logged, milliseconds))

    def _end_until(self, moment: float) -> None:
        store = self.router.store
        while self._running and self._running[0][0] <= moment:
            over, _, found, logged, milliseconds = heapq.heappop(self._running)
            self.then.now = max(self.then.now, over)
            member = found.choice.member
            store.ended(member.key)
            if found.lease:
                store.settle(found.lease, spent(member, logged.usage))
            tokens = (logged.usage or {}).get("completion_tokens")
            store.observe(member.key, milliseconds, None, tokens)


async def _would_ask(router: Router, call: Call, now: float) -> tuple[Admitted, bool]:
    """Who takes the call, and whether that is a fallback. Raises `DragomanError`."""
    asked = router.asker.asked(call)
    seeker = Seeker(router.store, router.health, call.request_id)
    found = await seeker.find(asked)
    if isinstance(found, Admitted):
        return found, False
    error = nobody_can_be_asked(asked.group.alias, found, now)
    options, _ = router.asker.failing(asked)
    for target in _fallbacks.targets(router.settings, asked.group.alias, options, error, call.model):
        other = await seeker.find(router.asker.fallback(call, target, asked.home))
        if isinstance(other, Admitted):
            return other, True
    raise error


def _reason(error: DragomanError) -> str:
    """The same for all calls of a model, whatever is used of a limit at the moment."""
    return _USED.sub("at its limit of", f"{type(error).__name__}: {error.message}")


def _price(logged: Logged, deployment: Deployment, request: Mapping[str, Any]) -> int | None:
    """What was used, at the prices of then."""
    if logged.operation == "count_tokens":
        return 0
    if logged.usage is None:
        return None
    at = datetime.datetime.fromtimestamp(logged.at, datetime.UTC)
    return cost_of(logged.usage, deployment.entry, at=at, context=price_context(logged.usage, request)).total


def _moves(moved: Sequence[_Gone]) -> tuple[Move, ...]:
    groups: dict[tuple[str, str], list[_Gone]] = defaultdict(list)
    for each in moved:
        groups[each.logged.target or _NOBODY, each.target].append(each)
    rows = (Move(*key, len(each), _cost(each), _milliseconds(each)) for key, each in groups.items())
    return tuple(sorted(rows, key=lambda move: (-move.calls, move.before, move.after)))


def _cost(gone: Sequence[_Gone]) -> Total:
    known = [(each.logged.cost, each.cost) for each in gone if each.logged.cost is not None and each.cost is not None]
    before, after = sum(old for old, _ in known), sum(new for _, new in known)
    unknown = len(gone) - len(known)
    return Total(dollars(before), dollars(after), len(known), unknown) if known else Total(None, None, 0, unknown)


def _milliseconds(gone: Sequence[_Gone]) -> Total:
    known = [
        (each.logged.milliseconds, each.milliseconds)
        for each in gone
        if each.logged.answered and each.logged.milliseconds is not None and each.milliseconds is not None
    ]
    unknown = len(gone) - len(known)
    if not known:
        return Total(None, None, 0, unknown)
    before, after = (round(statistics.fmean(side), 1) for side in zip(*known, strict=True))
    return Total(before, after, len(known), unknown)
