"""A small model of the router: it sees each attempt as the upstream does, each sleep and each event, and objects at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dragoman import errors
from dragoman.credentials import NoCredential
from dragoman.observe import (
    AttemptEnded,
    CallFailed,
    CallSucceeded,
    CircuitClosed,
    CircuitOpened,
    Event,
    FallbackStarted,
)
from dragoman.providers import Provider
from dragoman.routing import CallOptions, CallRouter, Clock, Deployment, FunctionCall, RouterSettings

__all__ = ["FATES", "Fate", "Referee", "Wanted"]


class Fate(NamedTuple):
    """What one request comes to."""

    error: str = ""
    """A class of errors; empty: an answer."""
    retry_after: float | None = None
    late: bool = False
    """A stream says something first."""
    seconds: float = 0.0


FATES = (
    Fate(),
    Fate(seconds=3.0),
    Fate("InternalServerError"),
    Fate("InternalServerError", late=True),
    Fate("ServiceUnavailableError", 2.0),
    Fate("Timeout", seconds=5.0),
    Fate("APIConnectionError"),
    Fate("RateLimitError"),
    Fate("RateLimitError", 4.0),
    Fate("RateLimitError", 900.0),
    Fate("InsufficientQuotaError"),
    Fate("AuthenticationError"),
    Fate("PermissionDeniedError"),
    Fate("NotFoundError"),
    Fate("ConflictError"),
    Fate("RequestTooLargeError"),
    Fate("BadRequestError"),
    Fate("UnprocessableEntityError"),
)
_HOPELESS = {"BadRequestError", "UnprocessableEntityError"}
"""The same everywhere: nobody else is asked."""
_OF_THE_CREDENTIAL = {"AuthenticationError", "InsufficientQuotaError"}
_CHANCE = {"InternalServerError", "Timeout", "APIConnectionError", "ServiceUnavailableError"}
"""Failures of which some are allowed."""
_GONE = {"PermissionDeniedError", "NotFoundError"}


class Wanted(NamedTuple):
    """A deployment of a scenario."""

    alias: str
    order: int
    key: str
    fates: tuple[Fate, ...]
    """One after another, and then from the start."""


@dataclass
class _Now:
    """What is going on in the call that is being made."""

    alias: str = ""
    group: str = ""
    began: float = 0.0
    saw: list[tuple[str, str | None]] = field(default_factory=list)
    tried: list[tuple[str, str | None]] = field(default_factory=list)
    asked_in_group: set[str] = field(default_factory=set)
    fell_to: list[str] = field(default_factory=list)
    ends: list[Event] = field(default_factory=list)
    slept: float = 0.0


class Referee:
    """Has a router of its own, whose time passes only by what is said here."""

    def __init__(self, deployments: Sequence[Wanted], settings: RouterSettings) -> None:
        self.time = 1_000_000.0
        self.settings = settings
        self.out: dict[str, float] = {}
        self.now = _Now()
        self.problems: list[str] = []
        self._asked_so_far: dict[str, int] = {}
        self._failures_in_a_row: dict[str, int] = {}
        provider = Provider(name="mine", base_url="", endpoints={}, credential=NoCredential(), function=self._asked)
        self.deployments: dict[str, Deployment] = {}
        self._fates: dict[str, tuple[Fate, ...]] = {}
        for number, wanted in enumerate(deployments):
            name = f"{wanted.alias}:{number}"
            options = CallOptions(api_key=wanted.key)
            record = Deployment(
                id=name, alias=wanted.alias, provider=provider, model=name, options=options, order=wanted.order
            )
            self.deployments[name] = record
            self._fates[name] = wanted.fates
        clock = Clock(monotonic=self._time, time=self._time, sleep=self._sleep, random=lambda: 0.5)
        self.router = CallRouter(self.deployments.values(), settings=settings, clock=clock, listeners=(self._heard,))

    def begin(self, alias: str) -> None:
        self.now = _Now(alias=alias, group=alias, began=self.time)

    def check(self, holds: bool, law: str) -> None:
        if not holds:
            self.problems.append(law)

    def members(self, alias: str) -> list[str]:
        return [name for name, deployment in self.deployments.items() if deployment.alias == alias]

    def targets(self, alias: str) -> list[str]:
        found = self.settings.fallbacks.get(alias) or self.settings.default_fallbacks
        return [str(target) for target in found if target != alias]

    def alone(self, name: str) -> bool:
        alias = self.deployments[name].alias
        return len(self.members(alias)) == 1 and not self.targets(alias)

    def keys(self, name: str) -> list[str]:
        return [name] if self.alone(name) else [name, self.deployments[name].credential_key]

    def is_out(self, name: str) -> bool:
        return any(self.out.get(key, 0.0) > self.time for key in self.keys(name))

    async def _asked(self, call: FunctionCall) -> Any:
        """The upstream."""
        name, now = call.model, self.now
        number = self._asked_so_far[name] = self._asked_so_far.get(name, -1) + 1
        fate = self._fates[name][number % len(self._fates[name])]
        alias = self.deployments[name].alias
        if alias != now.group:
            now.group, now.asked_in_group = alias, set()
        self.check(not self.is_out(name), f"{name} is asked and is out")
        self.check(self.time - now.began < self.settings.timeout, "asked after the deadline")
        better = [
            other
            for other in self.members(alias)
            if self.deployments[other].order < self.deployments[name].order
            and other not in now.asked_in_group
            and not self.is_out(other)
        ]
        self.check(name in now.asked_in_group or not better, f"{name} is asked before {better}")
        now.asked_in_group.add(name)
        self.time += fate.seconds
        await asyncio.sleep(0)
        if fate.late and call.stream:
            now.saw.append((name, None))
            return self._broken_off(fate)
        now.saw.append((name, fate.error or None))
        if fate.error:
            raise _error(fate)
        return "Hello"

    async def _broken_off(self, fate: Fate) -> AsyncIterator[str]:
        yield "Hel"
        raise _error(fate)

    async def _sleep(self, seconds: float) -> None:
        now = self.now
        untried = [name for name in self.members(now.group) if name not in now.asked_in_group and not self.is_out(name)]
        self.check(not untried, f"slept while {untried} of {now.group} could be asked")
        ready = [
            target
            for target in self.targets(now.group if now.fell_to else now.alias)
            if target not in (now.alias, *now.fell_to) and not all(map(self.is_out, self.members(target)))
        ]
        limit = len(now.fell_to) >= self.settings.max_fallbacks
        self.check(not ready or limit, f"slept while {ready} stood ready")
        self.check(self.time + seconds - now.began <= self.settings.timeout, "slept beyond the deadline")
        self.time += seconds
        now.slept += seconds
        await asyncio.sleep(0)

    def _time(self) -> float:
        return self.time

    def _heard(self, event: Event) -> None:
        match event:
            case CircuitOpened():
                self.out[event.key] = max(self.out.get(event.key, 0.0), event.until)
            case CircuitClosed():
                self.out.pop(event.key, None)
            case AttemptEnded():
                self.now.tried.append((event.attempt.deployment, event.attempt.error))
                self._must_be_out(event)
            case FallbackStarted():
                self.now.fell_to.append(event.fallback)
                self.now.group, self.now.asked_in_group = event.fallback, set()
            case CallSucceeded() | CallFailed():
                self.now.ends.append(event)
            case _:
                pass

    def _must_be_out(self, event: AttemptEnded) -> None:
        """What some failures have to lead to, whatever else does."""
        name = event.attempt.deployment
        if event.attempt.error is None:
            self._failures_in_a_row.pop(name, None)
            return
        if self.settings.health.disabled:
            self.check(not self.out, "something is out although cooldowns are disabled")
            return
        credential = self.deployments[name].credential_key
        if event.attempt.error in _OF_THE_CREDENTIAL:  # one that stands alone asks on: for the others it stays unknown
            known = credential in self.out if self.alone(name) else self.out.get(credential, 0.0) > self.time
            self.check(known, f"{event.attempt.error}: its credential goes on")
        if self.alone(name):
            return
        if event.attempt.error in _GONE or event.attempt.error == "RateLimitError":
            self.check(self.is_out(name), f"{event.attempt.error}: {name} goes on")
        cut_short = event.attempt.error == "Timeout" and self.settings.timeout < 100  # perhaps by the call's own haste
        if event.attempt.error in _CHANCE and not cut_short:
            row = self._failures_in_a_row[name] = self._failures_in_a_row.get(name, 0) + 1
            self.check(
                row <= self.settings.health.allowed_fails or self.is_out(name), f"{row} failures: {name} goes on"
            )

    def ended(self, attempts: Sequence[Any], error: errors.APIError | None, *, streamed: bool, retries: int) -> None:
        """What must hold after each call."""
        now = self.now
        told = [(made.deployment, made.error) for made in attempts]
        self.check(told == now.saw == now.tried, f"attempts {told}, the upstreams saw {now.saw}, told {now.tried}")
        self.check(len(told) <= 1 + retries + len(now.fell_to), f"{len(told)} attempts, {retries} retries")
        self.check(len(now.fell_to) <= self.settings.max_fallbacks, f"{len(now.fell_to)} fallbacks")
        self.check(len(set(now.fell_to)) == len(now.fell_to), f"a fallback twice: {now.fell_to}")
        self.check(len(now.ends) == 1, f"it ended {len(now.ends)} times")
        self.check(isinstance(now.ends[-1], CallFailed if error else CallSucceeded), f"{error!r}: {now.ends[-1]}")
        self.check(not self.router.store.view().in_flight, "something is still in flight")
        if error is not None and not (streamed and told and told[-1][1] is None):
            self._was_it_in_vain(error)

    def _was_it_in_vain(self, error: errors.APIError) -> None:
        """Nobody who could have answered was left out."""
        now = self.now
        if any(made in _HOPELESS for _, made in now.saw) or self.time - now.began >= self.settings.timeout:
            return
        left = [target for target in self.targets(now.alias) if target not in now.fell_to]
        self.check(not left or len(now.fell_to) >= self.settings.max_fallbacks, f"{left} were not asked: {error!r}")


def _error(fate: Fate) -> errors.APIError:
    kind: Callable[..., errors.APIError] = getattr(errors, fate.error)
    return kind("as it was to be", retry_after=fate.retry_after)
