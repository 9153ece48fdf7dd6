"""Events of the router, as frozen records for listeners: plain callables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from dragoman.types.call_record import Attempt, CallRecord
from dragoman.types.cost import Cost
from dragoman.types.usage import TokenUsage

__all__ = [
    "AttemptEnded",
    "CallFailed",
    "CallSucceeded",
    "CanaryStopped",
    "CircuitClosed",
    "CircuitOpened",
    "Event",
    "FallbackRateHigh",
    "FallbackRateNormal",
    "FallbackStarted",
    "HealthChecked",
    "HedgeLost",
    "Listener",
    "Mirrored",
    "Queued",
    "StreamResumed",
    "tell",
]

_log = logging.getLogger("dragoman.observe")


class _CallEvent:
    """What happens to one call. Listeners read its record, and never write it."""

    __slots__ = ()
    record: CallRecord

    @property
    def request_id(self) -> str:
        return self.record.request_id


@dataclass(frozen=True, slots=True)
class AttemptEnded(_CallEvent):
    """One attempt has ended, or its stream has begun."""

    record: CallRecord
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class CallSucceeded(_CallEvent):
    """A call has been answered, and its stream, if it was one, has ended well."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class CallFailed(_CallEvent):
    """A call has ended without a whole answer: `record.error` says why. Where an answer had begun, `record.provider` is set."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class StreamResumed(_CallEvent):
    """A stream broke off after its first content, and another deployment goes on with the answer. What the first part used and
    cost is part of what the record tells of the whole in the end."""

    record: CallRecord
    broken: Attempt
    """The attempt whose stream broke off."""
    usage: TokenUsage | None
    """What that attempt used."""
    cost: Cost | None
    is_counted: bool
    """The provider had not reported the usage: it was counted here."""
    deployment: str
    """The one that goes on."""


@dataclass(frozen=True, slots=True)
class FallbackStarted(_CallEvent):
    """A model group has failed, and a call goes on to another one."""

    record: CallRecord
    alias: str
    """The model group that failed."""
    fallback: str
    error: str
    """The class of the error that led to it."""


@dataclass(frozen=True, slots=True)
class HedgeLost(_CallEvent):
    """One of two concurrent attempts was abandoned as the other answered first. Its provider may charge for it, beside what the
    answer cost."""

    record: CallRecord
    attempt: Attempt
    lower: int | None
    """Nano-dollars that it charges at least if it charges at all; None: unknown."""
    upper: int | None
    usage: TokenUsage | None = None
    """The usage, if the provider had reported it by then: its charge is no longer in doubt."""


@dataclass(frozen=True, slots=True)
class Mirrored(_CallEvent):
    """The copy of a call to another model has ended. It costs the operator, not the caller."""

    record: CallRecord
    """Of the call that was copied."""
    model: str
    """The model that got the copy: an alias, or `provider/model`."""
    milliseconds: float
    error: str | None
    """The class of the error; `Dropped`: too many copies were under way, and it was not sent."""
    usage: TokenUsage | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Queued(_CallEvent):
    """A call has waited for deployments that were at their limits, and waits no more."""

    record: CallRecord
    alias: str
    """The model group that it waited for: the caller's, or a fallback's."""
    seconds: float
    position: int
    """Among the calls that waited for the same model group when it began to wait, from 1 on."""
    priority: int
    served: bool
    """False: it was refused, or its caller left."""


@dataclass(frozen=True, slots=True)
class CircuitOpened:
    """A deployment, or a credential, gets no calls until a time."""

    key: str
    error: str
    reason: str
    until: float
    """Unix seconds."""
    deployment: str = ""
    """The deployment whose call failed. A credential may have others too."""


@dataclass(frozen=True, slots=True)
class CircuitClosed:
    """What was taken out has been seen to work again."""

    key: str
    deployment: str = ""
    """The deployment whose call succeeded."""


@dataclass(frozen=True, slots=True)
class CanaryStopped:
    """A canary does worse than one of its gates allows, and gets no more calls until it is started again."""

    alias: str
    deployment: str
    gate: str
    """`error_rate`, `latency_p95_ratio` or `cost_ratio`."""
    value: float
    limit: float


@dataclass(frozen=True, slots=True)
class HealthChecked:
    """A health check has listed a provider's models. Nothing was billed."""

    deployment: str
    outcome: str
    """`reachable` (which does not say that the model works), `refused` (the key), `unreachable`, or `unknown`."""
    reason: str
    """Status and class of the error."""


@dataclass(frozen=True, slots=True)
class FallbackRateHigh:
    """So many calls of a model group go to its fallbacks that something is wrong with it."""

    alias: str
    rate: float
    """Of the calls within the window."""
    calls: int
    fallbacks: int


@dataclass(frozen=True, slots=True)
class FallbackRateNormal:
    """It is over."""

    alias: str
    rate: float
    calls: int
    fallbacks: int


Event: TypeAlias = (
    AttemptEnded
    | CallSucceeded
    | StreamResumed
    | CallFailed
    | FallbackStarted
    | HedgeLost
    | CircuitOpened
    | CircuitClosed
    | Mirrored
    | Queued
    | CanaryStopped
    | HealthChecked
    | FallbackRateHigh
    | FallbackRateNormal
)
Listener: TypeAlias = Callable[[Event], None]
"""Called on the event loop: it must not block. What it raises is logged and goes no further."""


def tell(listeners: Iterable[Listener], event: Event) -> None:
    """Tell every listener; one that fails does not keep the others, or the call, from going on."""
    for listener in listeners:
        try:
            listener(event)
        except Exception:
            _log.exception("a listener failed on %s", type(event).__name__)
