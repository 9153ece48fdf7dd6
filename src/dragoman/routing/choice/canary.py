"""Canaries: a deployment that is new gets a share of its alias's calls, and none any more once it does worse than a gate allows.

    canary:
      - {model: smart, deployment: smart-new, share: 0.05, gates: {error_rate: 0.05, latency_p95_ratio: 1.5, cost_ratio: 2.0}}

What is known of them is known in this process alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.errors import ConfigError, NotFoundError
from dragoman.observe import (
    AttemptEnded,
    CallFailed,
    CallSucceeded,
    CanaryStopped,
    Event,
    Listener,
    StreamResumed,
    tell,
)
from dragoman.routing.choice.call_stats import CallStats
from dragoman.routing.choice.canary_monitor import CanaryMonitor
from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.choice.split_group import SplitGroup
from dragoman.routing.clock import Clock
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.settings.canary import Canary

if TYPE_CHECKING:
    from dragoman.routing.request import GroupRequest

__all__ = ["Canaries", "CanaryPreview", "CanaryState", "ThresholdCheck"]

_log = logging.getLogger("dragoman.routing")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryState:
    """How a canary does, against the other deployments of its alias, within its window. None: not known."""

    alias: str
    deployment: str
    share: float
    """As it is set."""
    stopped: str | None
    """The gate that it crossed; it gets no calls."""
    calls: int
    error_rate: float | None
    latency_p95_ratio: float | None
    cost_ratio: float | None


class Canaries:
    """Of one router. Hears of every call (as a `dragoman.observe.Listener`). Any thread may use it."""

    def __init__(self, canaries: Sequence[Canary], clock: Clock, listeners: Sequence[Listener]) -> None:
        self._canaries = tuple(canaries)
        self._watches = {item.deployment: CanaryMonitor(item) for item in canaries}
        self._now = clock.time
        self._chance = clock.random
        self._told = tuple(listeners)
        # Held again by the same thread where the collector closes a forgotten call in the middle of a step.
        self._lock = threading.RLock()
        self._watched: dict[str, tuple[tuple[CanaryMonitor, CallStats], ...]] = {}
        """By deployment: the monitors that count its calls, and the stats that they count into."""

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """None, where there is nothing to hear of."""
        return (self,) if self._canaries else ()

    @property
    def ids(self) -> Collection[str]:
        """Of the deployments that are canaries."""
        return self._watches.keys()

    def check(self, deployments: Iterable[Deployment]) -> None:
        """Whether the canaries fit these. Raises `ConfigError`."""
        by_alias = _by_alias(deployments)
        shares: dict[str, float] = {}
        for position, canary in enumerate(self._canaries):
            ids = by_alias.get(canary.model)
            if ids is None:
                raise _error(canary, "model", f"{canary.model!r} is no alias of the model list")
            if canary.deployment not in ids:
                raise _error(canary, "deployment", f"{canary.model!r} has no deployment {canary.deployment!r}")
            if any(canary.deployment == earlier.deployment for earlier in self._canaries[:position]):
                raise _error(canary, "deployment", f"{canary.deployment!r} is a canary already")
            shares[canary.model] = shares.get(canary.model, 0.0) + canary.share
            if shares[canary.model] > 1 + 1e-9:
                raise _error(canary, "share", f"the canaries of {canary.model!r} have more than all calls")
            if all(name in self._watches for name in ids):
                raise _error(canary, "deployment", f"{canary.model!r} has no other deployment, for the other calls")

    def adopt(self, deployments: Iterable[Deployment]) -> None:
        """Which deployments there are now."""
        watched: dict[str, tuple[tuple[CanaryMonitor, CallStats], ...]] = {}
        with self._lock:
            for alias, ids in _by_alias(deployments).items():
                watches = [watch for watch in self._watches.values() if watch.canary.model == alias]
                watched.update({name: tuple(_figures(name, watches, self._watches)) for name in ids if watches})
            self._watched = watched

    def split(self, group: ModelGroup) -> ModelGroup:
        """The same group, with its canaries apart."""
        watches = [watch for watch in self._watches.values() if watch.canary.model == group.alias]
        return SplitGroup(group, watches, self._chance) if watches else group

    def start(self, deployment: str) -> None:
        """Give a canary its share again, and count anew. Raises `NotFoundError`."""
        watch = self._watches.get(deployment)
        if watch is None:
            raise NotFoundError(f"{deployment!r} is no canary", param="deployment")
        with self._lock:
            watch.own, watch.stopped = CallStats(watch.canary.gates.window), None
            self._watched[deployment] = ((watch, watch.own),)

    def read(self) -> tuple[CanaryState, ...]:
        with self._lock:
            now = self._now()
            return tuple(_state(watch, now) for watch in self._watches.values())

    def preview(self, request: GroupRequest) -> tuple[CanaryPreview, ...]:
        """Return the canaries of the requested group, and whether this call is in the share of one."""
        group = request.group
        if not isinstance(group, SplitGroup):
            return ()
        own, by = group.canary_of(request), group.selected_by(request)
        with self._lock:
            now = self._now()
            return tuple(_preview(watch, now, own, by) for watch in group.watches)

    def __call__(self, event: Event) -> None:
        if not isinstance(event, (AttemptEnded, CallSucceeded, CallFailed, StreamResumed)):
            return
        watched = self._watched.get(_deployment_of(event))
        if watched is None:
            return
        stopped: CanaryStopped | None = None
        with self._lock:
            now = self._now()
            for watch, figures in watched:
                figures.add(event, now)
                if figures is watch.own:
                    stopped = watch.crossed_threshold(now)
        if stopped is not None:
            fields = (stopped.alias, stopped.deployment, stopped.gate, stopped.value, stopped.limit)
            _log.warning("%s: the canary %s is stopped: its %s is %.4g, and the limit %.4g", *fields)
            tell(self._told, stopped)


def _deployment_of(event: AttemptEnded | CallSucceeded | CallFailed | StreamResumed) -> str:
    """Return the deployment of which an event says something."""
    if isinstance(event, AttemptEnded):
        return event.attempt.deployment
    if isinstance(event, StreamResumed):
        return event.broken.deployment
    return event.record.deployment if isinstance(event, CallSucceeded) else event.record.deployment_at_fault


def _by_alias(deployments: Iterable[Deployment]) -> dict[str, list[str]]:
    """Ids."""
    result: dict[str, list[str]] = {}
    for item in deployments:
        result.setdefault(item.alias, []).append(item.id)
    return result


def _figures(
    name: str, watches: Iterable[CanaryMonitor], canaries: Collection[str]
) -> Iterator[tuple[CanaryMonitor, CallStats]]:
    """A canary's own, or else the others' of each canary."""
    for watch in watches:
        if watch.canary.deployment == name:
            yield watch, watch.own
        elif name not in canaries:
            yield watch, watch.others


def _error(canary: Canary, name: str, message: str) -> ConfigError:
    return ConfigError(f"{canary.path}.{name}: {message}", param=f"{canary.path}.{name}")


def _state(watch: CanaryMonitor, now: float) -> CanaryState:
    canary, values = watch.canary, watch.values(now)
    who = (canary.model, canary.deployment, canary.share, watch.stopped)
    named = dict(zip(("alias", "deployment", "share", "stopped"), who, strict=True))
    return CanaryState(**named, calls=watch.own.calls, **values)  # type: ignore[arg-type]


def _preview(watch: CanaryMonitor, now: float, own: str | None, by: str) -> CanaryPreview:
    canary, gates, values = watch.canary, watch.canary.gates, watch.values(now)
    limits = ((gate, value, getattr(gates, gate)) for gate, value in values.items())
    return CanaryPreview(
        deployment=canary.deployment,
        share=canary.share,
        stopped=watch.stopped,
        drawn=canary.deployment == own,
        drawn_by="" if watch.stopped else by,
        calls=watch.own.calls,
        least_calls=gates.least_calls,
        window=gates.window,
        gates=tuple(ThresholdCheck(name, value, limit) for name, value, limit in limits if limit is not None),
    )


@dataclass(frozen=True, slots=True)
class ThresholdCheck:
    """What stops a canary."""

    name: str
    value: float | None
    """By now. None: not known."""
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPreview:
    """A canary of the model group."""

    deployment: str
    share: float
    stopped: str | None
    """The gate that it crossed; it gets no calls."""
    drawn: bool
    """This call is in its share."""
    drawn_by: str
    """What decides that: `chance`, for each call anew, or the name in the metadata that keeps calls together. Empty: such a call
    never is."""
    calls: int
    """Its own, within the window."""
    least_calls: int
    """It is not judged before."""
    window: float
    """Seconds."""
    gates: tuple[ThresholdCheck, ...]
