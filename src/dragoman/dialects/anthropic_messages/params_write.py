"""The parameters of the hub that need no conversation to be understood: sampling, stops, tiers, and what Anthropic lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.drop_list import DropList, fitted_id, hashed_id
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import ModelFacts

__all__ = ["OWN_PARAMETERS", "write_parameters"]

OWN_PARAMETERS = frozenset(
    {"mcp_servers", "container", "context_management", "inference_geo", "speed", "diagnostics", "cache_control"}
    | {"output_config", "user_profile_id", "workspace_id", "fallbacks", "thread"}
)
"""Anthropic's own parameters that callers of the OpenAI dialect also write at the top of their request."""

_SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}


def _is(*harmless: Any) -> Callable[[Any], bool]:
    return lambda value: value in harmless


def _never(_: Any) -> bool:
    return False


_LACKING: dict[str, Callable[[Any], bool]] = {
    "n": _is(1),
    "presence_penalty": _is(0),
    "frequency_penalty": _is(0),
    "logit_bias": _is({}),
    "logprobs": _is(False),
    "top_logprobs": _is(0),
    "seed": _never,
    "modalities": _is(["text"], []),
    "audio": _never,
    "verbosity": _is("medium"),
    "store": _is(False),
    "safety_settings": _is([]),
    "cached_content": _never,
}
"""What Anthropic has no word for, and the value with which it means nothing."""
_USER_ID_LENGTH = 256
"""https://platform.claude.com/docs/en/api/messages/create#body-metadata"""
_ELSEWHERE = frozenset(
    {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "tools", "tool_choice"}
    | {"parallel_tool_calls", "functions", "function_call", "response_format", "reasoning_effort", "thinking"}
    | {"web_search_options", "vendor_params", "betas", "output_format"}
)


def write_parameters(request: JsonObject, facts: ModelFacts, drops: DropList, *, thinking: bool) -> JsonObject:
    """The fields of the body for these parameters. Null means left out, everywhere."""
    body: JsonObject = {}
    for name, value in request.items():
        if value is None or name in _ELSEWHERE:
            continue
        if name in _SAMPLING:
            body |= _sampling(name, value, facts, drops, thinking)
        elif name in _WRITERS:
            body |= _WRITERS[name](value, drops)
        elif name in OWN_PARAMETERS or drops.allowed(name):
            body[name] = value
        elif not (name in _LACKING and _LACKING[name](value)):
            drops.leave_out(name)
    return body


_SAMPLING = {"temperature": 1, "top_p": 1, "top_k": None}
"""And the value with which each changes nothing."""


def _sampling(name: str, value: Any, facts: ModelFacts, drops: DropList, thinking: bool) -> JsonObject:
    """https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility"""
    if facts.sampling is False:
        if value != _SAMPLING[name]:
            drops.unsupported(name, "this model takes no sampling parameters")
    elif name == "temperature" and isinstance(value, (int, float)) and value > 1:
        drops.unsupported(name, "the largest is 1")
    elif thinking and not _fits_thinking(name, value):
        drops.unsupported(name, "it cannot be changed while the model reasons")
    else:
        return {name: value}
    return {}


def _fits_thinking(name: str, value: Any) -> bool:
    if not isinstance(value, (int, float)):
        return False
    return value == 1 if name == "temperature" else name == "top_p" and value >= 0.95


def _stop(value: Any, drops: DropList) -> JsonObject:
    stops = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    kept = [stop for stop in stops if isinstance(stop, str) and stop.strip()]
    if len(kept) < len(stops):
        drops.unsupported("stop", "a stop sequence must be more than white space")
    return {"stop_sequences": kept} if kept else {}


def _user(value: Any, drops: DropList, param: str = "user") -> JsonObject:
    """Anthropic limits the length, and refuses an id that looks like an address of electronic mail."""
    given = str(value)
    fitted = hashed_id(given) if "@" in given else fitted_id(given, _USER_ID_LENGTH)
    if fitted != given:
        drops.degraded(param)
    return {"metadata": {"user_id": fitted}}


def _metadata(value: Any, drops: DropList) -> JsonObject:
    """Anthropic takes nothing but the user's id."""
    given = value if isinstance(value, dict) else {}
    if any(key != "user_id" for key in given):
        drops.unsupported("metadata", "only metadata.user_id is known")
    return _user(given["user_id"], drops, "metadata.user_id") if "user_id" in given else {}


def _service_tier(value: Any, drops: DropList) -> JsonObject:
    if isinstance(value, str) and value in _SERVICE_TIERS:
        return {"service_tier": _SERVICE_TIERS[value]}
    drops.unsupported("service_tier", f"{value!r}")
    return {}


_WRITERS: dict[str, Callable[[Any, DropList], JsonObject]] = {
    "stop": _stop,
    "user": _user,
    "safety_identifier": _user,
    "metadata": _metadata,
    "service_tier": _service_tier,
}
