"""What goes into the router and what comes out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from dragoman.dialects.codec import Payload, ReplyStyle
from dragoman.routing.settings.call_options import CallOptions
from dragoman.types.call_record import Attempt, CallRecord
from dragoman.types.caller import ANONYMOUS, Caller
from dragoman.types.cost import Cost
from dragoman.types.json import JsonObject
from dragoman.types.operations import Operation
from dragoman.types.usage import TokenUsage

__all__ = ["Answer", "Answerer", "Call", "Source", "StreamAnswer"]


@dataclass(frozen=True, slots=True)
class Source:
    """The caller's own body, for a provider that speaks the caller's dialect."""

    dialect: str
    body: JsonObject
    raw: bytes
    """As it came, for a cheap search for our own marks."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that change what the body means (`anthropic-beta`): they go where the body goes."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of a caller."""

    operation: Operation
    model: str
    """An alias of the router's model list, `provider/model`, or a well-known bare name."""
    request: Any
    """The hub's request for this operation."""
    stream: bool = False
    options: CallOptions = field(default_factory=CallOptions)
    source: Source | None = None
    reply_style: ReplyStyle | None = None
    write: Callable[[Any], Payload] | None = None
    """Writes a whole hub response for the caller. It runs within the attempt, so that another deployment can take over from
    an answer that cannot be written."""
    caller: Caller = ANONYMOUS
    """Who makes it, as the gate has authenticated it."""
    dropped: tuple[str, ...] = ()
    """Fields of the caller's body that were left out when it was read: reported with those that the provider cannot express."""
    request_id: str = ""
    record: CallRecord | None = None
    """What is known of it: the router makes a new one each time that it answers the call."""


@dataclass(slots=True, kw_only=True)
class Answer:
    """A whole answer. Exactly one of `response` and `native` is there."""

    provider: str
    model: str
    """The provider's own name of the model."""
    record: CallRecord | None = field(default=None, repr=False)
    """The call that it answers."""
    dropped: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """The provider's, names in lower case."""
    response: Any = None
    """The hub's response."""
    written: Payload | None = None
    """What `Call.write` made of `response`."""
    native: bytes | None = None
    """The provider's body, untouched, where it speaks the caller's dialect."""
    usage: TokenUsage | None = None
    cost: Cost | None = None
    """None: the provider reported no usage. `Cost.total` is None if the model's prices are unknown."""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return () if self.record is None else tuple(self.record.attempts)

    @property
    def fallback(self) -> str:
        """The model group that answered instead of the requested one."""
        return "" if self.record is None else self.record.fallback


@dataclass(slots=True, kw_only=True)
class StreamAnswer:
    """A stream whose first content has arrived. Closing it, or leaving its iterator, closes the upstream connection."""

    provider: str
    model: str
    record: CallRecord | None = field(default=None, repr=False)
    """The call that it answers."""
    dropped: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    batches: AsyncIterator[list[Any]]
    """What one network read completed: hub chunks, or where `native` is set whole events as bytes. Raises `APIError`
    where the stream ends badly."""
    native: bool = False
    usage: TokenUsage | None = None
    """Filled in by the time that `batches` ends."""
    pricing: Callable[[TokenUsage], Cost | None] | None = field(default=None, repr=False)
    """What a usage of this stream costs."""
    own_usage: TokenUsage | None = None
    """Without what deployments used that had broken off before."""
    own_pricing: Callable[[TokenUsage], Cost | None] | None = field(default=None, repr=False)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return () if self.record is None else tuple(self.record.attempts)

    @property
    def fallback(self) -> str:
        """The model group that answers instead of the requested one."""
        return "" if self.record is None else self.record.fallback

    @property
    def cost(self) -> Cost | None:
        """What the usage that is known by now costs: the whole by the time that `batches` ends. None: no usage is known."""
        return None if self.usage is None or self.pricing is None else self.pricing(self.usage)

    def resumed_by(self, other: StreamAnswer) -> None:
        """Another stream goes on with this one: its usage and pricing are of the whole."""
        self.usage, self.pricing = other.usage, other.pricing

    async def aclose(self) -> None:
        close = getattr(self.batches, "aclose", None)
        if close is not None:
            await close()


Answerer: TypeAlias = Callable[[Call], Awaitable[Answer | StreamAnswer]]
"""Answers a call. Raises `APIError`. The router's innermost one asks deployments; each layer around it holds another one."""
