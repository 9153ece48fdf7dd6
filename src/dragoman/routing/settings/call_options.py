"""The options of one call: what a caller sets beside the request itself, and a model list for all calls of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dragoman.routing.settings.hedge import HedgePolicy, hedge_policy
from dragoman.routing.settings.mid_stream import mid_stream_fallback
from dragoman.settings.option_readers import (
    anything,
    headers,
    key,
    mapping,
    model,
    names,
    string,
    strings,
    targets,
    tool_calls,
)
from dragoman.settings.readers import boolean, seconds, whole
from dragoman.settings.setting import setting
from dragoman.types.json import JsonObject

__all__ = ["NO_OPTIONS", "CallOptions"]

_ROUTER = "of the router"
_AS_ROUTER = "as in `router_settings`"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """What a caller can set beside the request itself. None: the deployment's or the router's setting counts.

    Times are seconds. Each field is a setting (see `dragoman.settings.setting`); those of the section `call` can be set for
    a single call only."""

    api_key: str | None = setting(
        None,
        key,
        "sent to this deployment only",
        kind="text",
        shown="the provider's environment variable",
        is_secret=True,
    )
    api_base: str | None = setting(
        None, string, "the address of the provider", also=("base_url",), kind="text", shown="the provider's address"
    )
    api_version: str | None = setting(None, string, "for providers that need one", kind="text")
    custom_llm_provider: str | None = setting(
        None, string, "the provider, if `model` does not begin with it", kind="text"
    )
    timeout: float | None = setting(
        None,
        seconds,
        "one attempt at this deployment; the whole call never takes longer than the router's `timeout`",
        also=("request_timeout",),
        shown=_ROUTER,
    )
    """Of a single call: all its attempts together."""
    stream_timeout: float | None = setting(None, seconds, "until the first content of a stream", shown=_ROUTER)
    connect_timeout: float | None = setting(None, seconds, "until a usable connection", shown=_ROUTER)
    idle_timeout: float | None = setting(None, seconds, "between two pieces of an answer", shown=_ROUTER)
    num_retries: int | None = setting(
        None, whole(0, 100), "attempts beyond the first", also=("max_retries",), shown=_ROUTER
    )
    fallbacks: tuple[str | JsonObject, ...] | None = setting(
        None,
        targets,
        "models to call when this one fails; those of the first deployment of an alias apply",
        kind="list",
        shown=_ROUTER,
    )
    disable_fallbacks: bool | None = setting(
        None, boolean, "no other model is called when this one fails", shown="false"
    )
    mock_testing_fallbacks: bool | None = setting(
        None, boolean, "the model is not called, as if it had failed", section="call"
    )
    mock_testing_rate_limit_error: bool | None = setting(
        None, boolean, "the model is not called, as if it had too many requests", section="call"
    )
    mock_testing_context_fallbacks: bool | None = setting(
        None, boolean, "the model is not called, as if the request did not fit its window", section="call"
    )
    mock_testing_content_policy_fallbacks: bool | None = setting(
        None, boolean, "the model is not called, as if its safety system had refused", section="call"
    )
    hedge: HedgePolicy | None = setting(None, hedge_policy, _AS_ROUTER, kind="mapping or boolean", shown=_ROUTER)
    mid_stream_fallback: Literal["error", "continue"] | None = setting(
        None, mid_stream_fallback, _AS_ROUTER, kind="`error` or `continue`", shown=_ROUTER
    )
    drop_params: bool | None = setting(
        None,
        boolean,
        "leave out, and report, what the provider cannot express, instead of refusing the call",
        shown=_ROUTER,
    )
    additional_drop_params: tuple[str, ...] = setting(
        (), names, "parameters to leave out in any case", kind="list of names"
    )
    allowed_openai_params: tuple[str, ...] = setting(
        (), names, "parameters to send although the provider is not known to take them", kind="list of names"
    )
    extra_headers: Mapping[str, str] = setting(
        factory=dict, read=headers, doc="sent with each request", also=("headers",), kind="mapping", is_secret=True
    )
    extra_query: Mapping[str, str] = setting(
        factory=dict, read=strings, doc="added to the query of the address", kind="mapping"
    )
    extra_body: JsonObject = setting(
        factory=dict, read=mapping, doc="merged into the provider's body unchanged, last", kind="mapping"
    )
    mock_response: Any = setting(None, anything, "the answer; no provider is called", kind="anything")
    mock_tool_calls: tuple[JsonObject, ...] = setting(
        (), tool_calls, "these tool calls are the answer; no provider is called", kind="list"
    )
    mock_delay: float | None = setting(None, seconds, "wait this long before a mock response")
    mock_timeout: bool | None = setting(None, boolean, "fail with a timeout; no provider is called", shown="false")
    prices: JsonObject = field(default_factory=dict)
    """Prices that replace the catalogue's, under LiteLLM's names (`input_cost_per_token`, ...)."""
    base_model: str | None = setting(
        None,
        model,
        "the model whose facts and prices apply, if the name of the model itself is unknown: `azure/gpt-6.1-sol`, or a "
        "well-known bare name. In `model_info` too",
        kind="text",
    )
    metadata: JsonObject = setting(factory=dict, read=mapping, section="request")

    @property
    def is_mock(self) -> bool:
        """Whether the options hold the answer themselves."""
        return self.mock_response is not None or bool(self.mock_tool_calls)


NO_OPTIONS = CallOptions()
"""The options of a caller that sets none."""
