"""What goes into the router and what comes out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dragoman.dialects._dialect import CallerContext, Operation
from dragoman.types._json import JsonObject
from dragoman.types.cost import Cost
from dragoman.types.usage import Usage

if TYPE_CHECKING:
    from dragoman.routing._hedge import HedgePolicy

__all__ = ["NO_OPTIONS", "Answer", "Attempt", "Call", "CallOptions", "Source", "StreamAnswer", "the_answering"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What a caller can say beside the request itself. None: the deployment's or the router's setting counts.

    Times are seconds."""

    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    api_version: str | None = None
    custom_llm_provider: str | None = None
    timeout: float | None = None
    """The whole call, all attempts together."""
    stream_timeout: float | None = None
    """To the first content of a stream."""
    connect_timeout: float | None = None
    idle_timeout: float | None = None
    num_retries: int | None = None
    fallbacks: tuple[str | JsonObject, ...] | None = None
    """Models, or objects with `model` and parameters of their own, asked in order when the first fails."""
    disable_fallbacks: bool | None = None
    """No other model is asked, whatever the router says."""
    mock_testing_fallbacks: bool | None = None
    """The model is not asked: it is as if it had failed."""
    mock_testing_rate_limit_error: bool | None = None
    """As if it had too many requests."""
    mock_testing_context_fallbacks: bool | None = None
    """As if the request did not fit its window."""
    mock_testing_content_policy_fallbacks: bool | None = None
    """As if its safety system had refused."""
    drop_params: bool | None = None
    additional_drop_params: tuple[str, ...] = ()
    allowed_openai_params: tuple[str, ...] = ()
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra_query: Mapping[str, str] = field(default_factory=dict)
    extra_body: JsonObject = field(default_factory=dict)
    """Merged into the provider's body as it stands, last."""
    hedge: HedgePolicy | None = None
    """When a second deployment is asked beside a first one that is late."""
    mid_stream_fallback: Literal["error", "continue"] | None = None
    """What comes after a stream that breaks off after its first content."""
    mock_response: Any = None
    mock_tool_calls: tuple[JsonObject, ...] = ()
    """Part of the mock response, or all of it."""
    mock_delay: float | None = None
    """Before a mock response."""
    mock_timeout: bool | None = None
    """The model is not asked: it is as if it had not answered in time."""
    prices: JsonObject = field(default_factory=dict)
    """Prices that count instead of the catalogue's, under LiteLLM's names (`input_cost_per_token`, ...)."""
    base_model: str | None = None
    """Whose facts and prices count, where the model's own name says nothing: `azure/gpt-6.1-sol`, or a well-known bare name."""
    metadata: JsonObject = field(default_factory=dict)

    @property
    def is_mock(self) -> bool:
        """Whether the options say the answer themselves."""
        return self.mock_response is not None or bool(self.mock_tool_calls)


NO_OPTIONS = CallOptions()
"""A caller who says nothing beside the request."""


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
