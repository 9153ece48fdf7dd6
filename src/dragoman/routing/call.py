"""What goes into the router and what comes out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dragoman.dialects._dialect import CallerContext, Operation
from dragoman.routing.settings.call_options import CallOptions
from dragoman.types._json import JsonObject
from dragoman.types.cost import Cost
from dragoman.types.usage import Usage

if TYPE_CHECKING:
    pass

__all__ = ["Answer", "Attempt", "Call", "Source", "StreamAnswer", "the_answering"]


@dataclass(frozen=True, slots=True)
class Source:
    """The caller's own body, for a provider who speaks the caller's dialect."""

    dialect: str
    body: JsonObject
    raw: bytes
    """As it came, for a cheap search for our own marks."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that change what the body means (`anthropic-beta`): they go where the body goes."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One thing asked."""

    operation: Operation
    model: str
    """An alias of the router's model list, `provider/model`, or a well-known bare name."""
    request: Any
    """The hub's request for this operation."""
    stream: bool = False
    options: CallOptions = field(default_factory=CallOptions)
    source: Source | None = None
    caller: CallerContext | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to one deployment."""

    deployment: str
    provider: str
    model: str
    milliseconds: float
    error: str | None = None
    """The class of the error; None: it succeeded."""
    status: int | None = None
    alias: str = ""
    """The model group that was asked: the caller's, or a fallback's."""
    why: str = ""
    """Why this deployment was chosen."""
    passed_over: tuple[tuple[str, str], ...] = ()
    """(deployment, reason) of those that could not be asked."""


def the_answering(attempts: Sequence[Attempt]) -> Attempt | None:
    """The one that answered: not always the last, as one that was hedged is left after another has answered."""
    if attempts and attempts[-1].error is None:
        return attempts[-1]
    return next((attempt for attempt in reversed(attempts) if attempt.error is None), None)


@dataclass(slots=True, kw_only=True)
class Answer:
    """A whole answer. Exactly one of `response` and `native` is there."""

    provider: str
    model: str
    """The provider's own name of the model."""
    attempts: tuple[Attempt, ...] = ()
    dropped: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """The provider's, names in lower case."""
    response: Any = None
    """The hub's response."""
    native: bytes | None = None
    """The provider's body, untouched, where it speaks the caller's dialect."""
    usage: Usage | None = None
    fallback: str = ""
    """The model group that answered in place of the one that was asked for."""
    cost: Cost | None = None
    """None: the provider told no usage. `Cost.total` is None where nothing is known of the model's prices."""


@dataclass(slots=True, kw_only=True)
class StreamAnswer:
    """A stream whose first content is here. Closing it, or leaving its iterator, closes the upstream connection."""

    provider: str
    model: str
    attempts: tuple[Attempt, ...] = ()
    dropped: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    batches: AsyncIterator[list[Any]]
    """What one network read completed: hub chunks, or where `native` is set whole events as bytes. Raises `APIError`
    where the stream ends badly."""
    native: bool = False
    fallback: str = ""
    """The model group that answered in place of the one that was asked for."""
    usage: Usage | None = None
    """Filled in by the time that `batches` ends."""
    pricing: Callable[[Usage], Cost | None] | None = field(default=None, repr=False)
    """What a usage of this stream costs."""
    own_usage: Usage | None = None
    """Without what deployments used that had broken off before."""
    own_pricing: Callable[[Usage], Cost | None] | None = field(default=None, repr=False)

    @property
    def cost(self) -> Cost | None:
        """What the usage that is known by now costs: the whole by the time that `batches` ends. None: no usage is known."""
        return None if self.usage is None or self.pricing is None else self.pricing(self.usage)

    async def aclose(self) -> None:
        close = getattr(self.batches, "aclose", None)
        if close is not None:
            await close()
