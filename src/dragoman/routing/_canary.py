"""Canaries: a deployment that is new gets a share of its alias's calls, and none any more once it does worse than a gate allows.

    canary:
      - {model: smart, deployment: smart-new, share: 0.05, gates: {error_rate: 0.05, latency_p95_ratio: 1.5, cost_ratio: 2.0}}

What is known of them is known in this process alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dragoman.errors import ConfigError, NotFoundError
from dragoman.observe import Answered, CanaryStopped, Continued, Event, Failed, Listener, Tried, tell
from dragoman.routing._canary_figures import MOST_CALLS, Figures, ratio
from dragoman.routing._clock import Clock
from dragoman.routing._deployment import Deployment
from dragoman.routing._explanation import CanaryPreview, Gate
from dragoman.routing._group import ModelGroup
from dragoman.routing._readers import Reader, at_least, number, record, seconds, text, whole, wrong
from dragoman.routing._split_group import SplitGroup

if TYPE_CHECKING:
    from dragoman.routing._asked import Asked

__all__ = ["Canaries", "Canary", "CanaryState", "Gates", "Watch", "parse_canaries"]

_log = logging.getLogger("dragoman.routing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """More than these stops a canary. None: no such gate."""

    error_rate: float | None = None
    """The share of its calls that failed by its own fault."""
    latency_p95_ratio: float | None = None
    """To the other deployments' milliseconds; of streams, those to the first content."""
    cost_ratio: float | None = None
    """To the mean cost of the others' calls."""
    least_calls: int = 50
    """Of the canary; it is not judged before."""
    window: float = 600.0
    """Seconds."""


_GATES: Mapping[str, Reader] = MappingProxyType(
    {
        "error_rate": number(0, 1),
        "latency_p95_ratio": at_least(0),
        "cost_ratio": at_least(0),
        "least_calls": whole(1, MOST_CALLS),
        "window": seconds,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    model: str
    """An alias of the model list."""
    deployment: str
    """The id of one of its deployments."""
    share: float = 0.05
    """Of the alias's calls, from 0 to 1."""
    gates: Gates = field(default_factory=Gates)
    path: str = "canary"
    """Where it is said."""


def _gates(value: Any, path: str) -> Gates:
    return Gates(**record(value, path, _GATES))


_ROW: Mapping[str, Reader] = MappingProxyType(
    {"model": text, "deployment": text, "share": number(0, 1), "gates": _gates}
)


def parse_canaries(value: Any, path: str) -> tuple[Canary, ...]:
    """`[{model, deployment, share, gates}]`. Raises `ConfigError`."""
    if not isinstance(value, (list, tuple)):
        raise wrong(path, "a list of {model, deployment, share, gates}", value)
    return tuple(_row(row, f"{path}[{position}]") for position, row in enumerate(value))


def _row(value: Any, path: str) -> Canary:
    if isinstance(value, Canary):
        return value
    said = record(value, path, _ROW)
    for name in ("model", "deployment"):
        if name not in said:
            raise ConfigError(f"{path}.{name}: missing", param=f"{path}.{name}")
    return Canary(**said, path=path)


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


class Watch:
    """One canary, and what is known of it."""

    def __init__(self, canary: Canary) -> None:
        self.canary = canary
        self.own = Figures(canary.gates.window)
        self.others = Figures(canary.gates.window)
        self.stopped: str | None = None

    def values(self, now: float) -> dict[str, float | None]:
        """By gate."""
        self.own.forget(now)
        self.others.forget(now)
        return {
            "error_rate": self.own.error_rate(),
            "latency_p95_ratio": ratio(self.own.p95(), self.others.p95()),
            "cost_ratio": ratio(self.own.mean_cost(), self.others.mean_cost()),
        }

    def judged(self, now: float) -> CanaryStopped | None:
        """The gate that it has just crossed."""
        canary = self.canary
        if self.stopped is not None or self.own.calls < canary.gates.least_calls:
            return None
        values = self.values(now)
        if self.own.calls < canary.gates.least_calls:
            return None
        for gate, value in values.items():
            limit = getattr(canary.gates, gate)
            if limit is not None and value is not None and value > limit:
                self.stopped = gate
                return CanaryStopped(canary.model, canary.deployment, gate, value, limit)
        return None


class Canaries:
    """Of one router. Hears of every call (as a `dragoman.observe.Listener`). Any thread may use it."""

    def __init__(self, canaries: Sequence[Canary], clock: Clock, listeners: Sequence[Listener]) -> None:
        self._canaries = tuple(canaries)
        self._watches = {each.deployment: Watch(each) for each in canaries}
        self._now = clock.time
        self._chance = clock.random
        self._told = tuple(listeners)
        # Held again by the same thread where the collector closes a forgotten call in the middle of a step.
        self._lock = threading.RLock()
        self._heard: dict[str, tuple[tuple[Watch, Figures], ...]] = {}
        """By deployment: whose figures its calls are."""

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
                raise _fault(canary, "model", f"{canary.model!r} is no alias of the model list")
            if canary.deployment not in ids:
                raise _fault(canary, "deployment", f"{canary.model!r} has no deployment {canary.deployment!r}")
            if any(canary.deployment == earlier.deployment for earlier in self._canaries[:position]):
                raise _fault(canary, "deployment", f"{canary.deployment!r} is a canary already")
            shares[canary.model] = shares.get(canary.model, 0.0) + canary.share
            if shares[canary.model] > 1 + 1e-9:
                raise _fault(canary, "share", f"the canaries of {canary.model!r} have more than all calls")
            if all(name in self._watches for name in ids):
                raise _fault(canary, "deployment", f"{canary.model!r} has no other deployment, for the other calls")

    def learn(self, deployments: Iterable[Deployment]) -> None:
        """Which deployments there are now."""
        heard: dict[str, tuple[tuple[Watch, Figures], ...]] = {}
        with self._lock:
            for alias, ids in _by_alias(deployments).items():
                watches = [watch for watch in self._watches.values() if watch.canary.model == alias]
                heard.update({name: tuple(_figures(name, watches, self._watches)) for name in ids if watches})
            self._heard = heard

    def over(self, group: ModelGroup) -> ModelGroup:
        """The same group, with its canaries apart."""
        watches = [watch for watch in self._watches.values() if watch.canary.model == group.alias]
        return SplitGroup(group, watches, self._chance) if watches else group

    def start(self, deployment: str) -> None:
        """Give a canary its share again, and count anew. Raises `NotFoundError`."""
        watch = self._watches.get(deployment)
        if watch is None:
            raise NotFoundError(f"{deployment!r} is no canary", param="deployment")
        with self._lock:
            watch.own, watch.stopped = Figures(watch.canary.gates.window), None
            self._heard[deployment] = ((watch, watch.own),)

    def read(self) -> tuple[CanaryState, ...]:
        with self._lock:
            now = self._now()
            return tuple(_state(watch, now) for watch in self._watches.values())

    def foreseen(self, asked: Asked) -> tuple[CanaryPreview, ...]:
        """Those of the group that is asked, and whether this call is in the share of one."""
        group = asked.group
        if not isinstance(group, SplitGroup):
            return ()
        mine, by = group.canary_of(asked), group.drawn_by(asked)
        with self._lock:
            now = self._now()
            return tuple(_foreseen(watch, now, mine, by) for watch in group.watches)

    def __call__(self, event: Event) -> None:
        if not isinstance(event, (Tried, Answered, Failed, Continued)):
            return
        heard = self._heard.get(event.broken if isinstance(event, Continued) else event.deployment)
        if heard is None:
            return
        stopped: CanaryStopped | None = None
        with self._lock:
            now = self._now()
            for watch, figures in heard:
                figures.add(event, now)
                if figures is watch.own:
                    stopped = watch.judged(now)
        if stopped is not None:
            told = (stopped.alias, stopped.deployment, stopped.gate, stopped.value, stopped.limit)
            _log.warning("%s: the canary %s is stopped: its %s is %.4g, and the limit %.4g", *told)
            tell(self._told, stopped)


def _by_alias(deployments: Iterable[Deployment]) -> dict[str, list[str]]:
    """Ids."""
    found: dict[str, list[str]] = {}
    for item in deployments:
        found.setdefault(item.alias, []).append(item.id)
    return found


def _figures(name: str, watches: Iterable[Watch], canaries: Collection[str]) -> Iterator[tuple[Watch, Figures]]:
    """A canary's own, or else the others' of each canary."""
    for watch in watches:
        if watch.canary.deployment == name:
            yield watch, watch.own
        elif name not in canaries:
            yield watch, watch.others


def _fault(canary: Canary, name: str, message: str) -> ConfigError:
    return ConfigError(f"{canary.path}.{name}: {message}", param=f"{canary.path}.{name}")


def _state(watch: Watch, now: float) -> CanaryState:
    canary, values = watch.canary, watch.values(now)
    who = (canary.model, canary.deployment, canary.share, watch.stopped)
    named = dict(zip(("alias", "deployment", "share", "stopped"), who, strict=True))
    return CanaryState(**named, calls=watch.own.calls, **values)  # type: ignore[arg-type]


def _foreseen(watch: Watch, now: float, mine: str | None, by: str) -> CanaryPreview:
    canary, gates, values = watch.canary, watch.canary.gates, watch.values(now)
    limits = ((gate, value, getattr(gates, gate)) for gate, value in values.items())
    return CanaryPreview(
        deployment=canary.deployment,
        share=canary.share,
        stopped=watch.stopped,
        drawn=canary.deployment == mine,
        drawn_by="" if watch.stopped else by,
        calls=watch.own.calls,
        least_calls=gates.least_calls,
        window=gates.window,
        gates=tuple(Gate(name, value, limit) for name, value, limit in limits if limit is not None),
    )
