"""The options of one call: what a caller sets beside the request itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dragoman.types.json import JsonObject

if TYPE_CHECKING:
    from dragoman.routing.settings.hedge import HedgePolicy

__all__ = ["NO_OPTIONS", "CallOptions"]


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
