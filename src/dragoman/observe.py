"""What happens, told as frozen events to plain callables that want to hear."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from dragoman.types.cost import Cost
from dragoman.types.usage import Usage

__all__ = [
    "Answered",
    "CanaryStopped",
    "Checked",
    "Continued",
    "Event",
    "Failed",
    "FallbackRateHigh",
    "FallbackRateNormal",
    "FellBack",
    "Hedged",
    "Listener",
    "Mirrored",
    "PutBack",
    "Queued",
    "TakenOut",
    "Tried",
    "tell",
]

_log = logging.getLogger("dragoman.observe")


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt has ended."""

    request_id: str
    deployment: str
    provider: str
    model: str
    milliseconds: float
    error: str | None
    alias: str = ""
    """The model group that was asked: the caller's, or a fallback's."""
    status: int | None = None
    why: str = ""
    """Why this deployment was chosen."""
    passed_over: tuple[tuple[str, str], ...] = ()
    """(deployment, reason) of those that could not be asked."""
    own_fault: bool = False
    """It failed by a fault of the deployment, or of its credential."""
    code: str = ""
    """The code of the error: `connection_refused`, the provider's own, ..."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A call has been answered, and its stream, if it was one, has ended well."""

    request_id: str
    provider: str
    model: str
    attempts: int
    usage: Usage | None
    cost: Cost | None = None
    deployment: str = ""
    alias: str = ""
    """The model group that was asked for."""
    fallback: str = ""
    """The one that answered in its place."""
    called: str = ""
    """The model as the caller named it."""
    operation: str = ""
    """`chat`, `embedding`, `text_completion` or `count_tokens`."""
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A call has ended without a whole answer."""

    request_id: str
    attempts: int
    error: str
    """The class of the error; `Left`: the caller left a stream."""
    provider: str = ""
    """Whose stream broke off or was left; empty where no answer had begun."""
    model: str = ""
    usage: Usage | None = None
    """What is known of it by then."""
    cost: Cost | None = None
    alias: str = ""
    """The model group that was asked for; empty where there is none of that name."""
    deployment: str = ""
    """Whose stream broke off, by its own fault."""
    called: str = ""
    """The model as the caller named it."""
    operation: str = ""
    """`chat`, `embedding`, `text_completion` or `count_tokens`."""
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Continued:
    """A stream has broken off after its first content, and another deployment goes on with the answer. What the first part used and
    cost is part of what `Answered`, or `Failed`, tells of the whole."""

    request_id: str
    provider: str
    """Whose stream broke off."""
    model: str
    usage: Usage | None
    cost: Cost | None
    is_counted: bool
    """The provider had not told the usage: it was counted here."""
    deployment: str
    """The one that goes on."""
    alias: str
    """The model group that was asked for."""
    broken: str = ""
    """The deployment whose stream broke off."""


@dataclass(frozen=True, slots=True)
class FellBack:
    """A model group has failed, and a call goes on to another one."""

    request_id: str
    alias: str
    fallback: str
    error: str
    """The class of the error that led to it."""


@dataclass(frozen=True, slots=True)
class Hedged:
    """Of two deployments that were asked at the same time, the one that was left as the other answered first. It may charge for
    that, beside what the answer cost."""

    request_id: str
    deployment: str
    provider: str
    model: str
    alias: str
    """The model group that was asked for."""
    lower: int | None
    """Nano-dollars that it charges at least if it charges at all; None: it cannot be said."""
    upper: int | None
    usage: Usage | None = None
    """Where it had told it by then: what it charges is no longer in doubt."""


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A deployment, or a credential, is not asked until a time."""

    key: str
    error: str
    reason: str
    until: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was taken out has been seen to work again."""

    key: str


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The copy of a call to another model has ended. It costs the operator, not the caller."""

    request_id: str
    """Of the call."""
    model: str
    """That got the copy: an alias, or `provider/model`."""
    milliseconds: float
    error: str | None
    """The class of the error; `Dropped`: too many copies were under way, and it was not sent."""
    usage: Usage | None = None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A call has waited for deployments that were at their limits, and waits no more."""

    request_id: str
    alias: str
    """The model group that it waited for: the caller's, or a fallback's."""
    seconds: float
    position: int
    """Among the calls that waited for the same model group, when it began to wait, from 1 on."""
    priority: int
    served: bool
    """Else it was refused, or its caller left."""


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
class Checked:
    """A provider was asked for its list of models, to see how a deployment is. Nothing was billed."""

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
    Tried
    | Answered
    | Continued
    | Failed
    | FellBack
    | Hedged
    | TakenOut
    | PutBack
    | Mirrored
    | Queued
    | CanaryStopped
    | Checked
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
