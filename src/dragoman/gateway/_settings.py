"""Every key of config.yaml that Dragoman acts on, as data: its type, and where it may stand (see docs/configuration.md)."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from dragoman.models._litellm_names import is_price_name

__all__ = ["SECTIONS", "Environment", "Section", "Setting"]


class Environment(str):
    """A value that came from the environment, where everything is text: it may stand for a number or a boolean."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One key: what its value must be. `read` gives the value, or raises `ValueError` saying what was expected."""

    read: Callable[[Any], Any]


def _boolean(value: Any) -> bool:
    if isinstance(value, Environment) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    if isinstance(value, bool):
        return value
    raise ValueError("expected true or false")


def _number(value: Any) -> float:
    if isinstance(value, Environment):
        try:
            value = float(value)
        except ValueError:
            raise ValueError("expected a number") from None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise ValueError("expected a number")


def _within(low: float, high: float = math.inf, *, whole: bool = False) -> Setting:
    def read(value: Any) -> float:
        number = _number(value)
        if not low <= number <= high or (whole and number != int(number)):
            limits = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
            raise ValueError(f"expected a {'whole ' if whole else ''}number {limits}")
        return int(number) if whole else number

    return Setting(read)


def _text(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return str(value)
    raise ValueError("expected a text that is not empty")


def _address(value: Any) -> str:
    address = _text(value).strip()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected an address that begins with http:// or https://")
    return address


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return value
    raise ValueError("expected a mapping")


def _texts(value: Any) -> list[str]:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return value
    raise ValueError("expected a list of texts")


def _headers(value: Any) -> dict[str, str]:
    mapping = _object(value)
    if all(isinstance(item, (str, int, float)) and not isinstance(item, bool) for item in mapping.values()):
        return {key: str(item) for key, item in mapping.items()}
    raise ValueError("expected a mapping of names to texts")


def _aliases(value: Any) -> dict[str, str]:
    """LiteLLM also writes `alias: {model: name, hidden: true}`."""
    found: dict[str, str] = {}
    for alias, target in _object(value).items():
        name = target.get("model") if isinstance(target, dict) else target
        if not isinstance(name, str) or not name:
            raise ValueError("expected a mapping of aliases to model names")
        found[alias] = name
    return found


def _targets(value: Any) -> list[Any]:
    if isinstance(value, list) and value and all(map(_is_target, value)):
        return value
    raise ValueError("expected a list of model names, or of mappings with `model`")


def _is_target(value: Any) -> bool:
    name = value.get("model") if isinstance(value, dict) else value
    return isinstance(name, str) and bool(name)


def _fallbacks(value: Any) -> list[dict[str, list[Any]]]:
    if isinstance(value, list) and all(map(_is_fallback, value)):
        return value
    raise ValueError('expected a list such as [{"model": ["other-model"]}]')


def _is_fallback(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and bool(row)
        and all(isinstance(name, str) and isinstance(others, list) and bool(others) for name, others in row.items())
        and all(_is_target(other) for others in row.values() for other in others)
    )


def _anything(value: Any) -> Any:
    return value


TEXT, TEXTS, BOOLEAN, OBJECT = Setting(_text), Setting(_texts), Setting(_boolean), Setting(_object)
ADDRESS = Setting(_address)
HEADERS, ALIASES, FALLBACKS, ANYTHING = Setting(_headers), Setting(_aliases), Setting(_fallbacks), Setting(_anything)
TARGETS = Setting(_targets)
SECONDS, RETRIES = _within(0.001), _within(0, 100, whole=True)

_FALLBACK_LISTS = {
    "fallbacks": FALLBACKS,
    "context_window_fallbacks": FALLBACKS,
    "content_policy_fallbacks": FALLBACKS,
    "default_fallbacks": TARGETS,
}

_TOP_LEVEL = {
    "model_list": ANYTHING,
    "litellm_settings": ANYTHING,
    "router_settings": ANYTHING,
    "general_settings": ANYTHING,
    "environment_variables": ANYTHING,
    "include": ANYTHING,
    "providers": ANYTHING,
}
_GENERAL = {
    "master_key": TEXT,
    "dangerously_permit_weak_or_unset_master_key": BOOLEAN,
    "max_request_size_mb": _within(0.001, 4096),
    "max_json_depth": _within(1, 500, whole=True),
    "max_json_values": _within(1, whole=True),
    "body_timeout": SECONDS,
    "keep_alive_seconds": SECONDS,
    "drain_seconds": _within(0),
    "log_requests": BOOLEAN,
    "prices_file": TEXT,
}
_LITELLM = {
    **_FALLBACK_LISTS,
    "drop_params": BOOLEAN,
    "num_retries": RETRIES,
    "request_timeout": SECONDS,
    "set_verbose": BOOLEAN,
    "json_logs": BOOLEAN,
    "telemetry": BOOLEAN,
    "sse_keepalive_ping_interval_seconds": SECONDS,
    "include_cost_in_streaming_usage": BOOLEAN,
    "block_requests_for_models_without_pricing": BOOLEAN,
}
_ROUTER = {
    **_FALLBACK_LISTS,
    "num_retries": RETRIES,
    "timeout": SECONDS,
    "stream_timeout": SECONDS,
    "connect_timeout": SECONDS,
    "idle_timeout": SECONDS,
    "retry_after": _within(0),
    "max_fallbacks": _within(0, 100, whole=True),
    "model_group_alias": ALIASES,
}
_MODEL = {"model_name": TEXT, "litellm_params": ANYTHING, "params": ANYTHING, "model_info": OBJECT}
_PARAMS = {
    "model": TEXT,
    "api_key": TEXT,
    "api_base": ADDRESS,
    "base_url": ADDRESS,
    "api_version": TEXT,
    "custom_llm_provider": TEXT,
    "timeout": SECONDS,
    "stream_timeout": SECONDS,
    "connect_timeout": SECONDS,
    "idle_timeout": SECONDS,
    "request_timeout": SECONDS,
    "num_retries": RETRIES,
    "max_retries": RETRIES,
    "order": _within(0, whole=True),
    "fallbacks": TARGETS,
    "drop_params": BOOLEAN,
    "additional_drop_params": TEXTS,
    "allowed_openai_params": TEXTS,
    "extra_headers": HEADERS,
    "headers": HEADERS,
    "extra_query": HEADERS,
    "extra_body": OBJECT,
    "mock_response": ANYTHING,
    "base_model": TEXT,
}
REQUEST_PARAMS = """
    temperature top_p top_k n stop max_tokens max_completion_tokens presence_penalty frequency_penalty logit_bias user
    response_format seed tools tool_choice parallel_tool_calls logprobs top_logprobs modalities audio prediction
    reasoning_effort verbosity web_search_options service_tier store metadata safety_identifier prompt_cache_key
    prompt_cache_retention stream_options thinking safety_settings dimensions encoding_format input_type
"""
"""Parameters of the request itself, which a deployment sets for callers who leave them out."""


@dataclass(frozen=True, slots=True)
class Section:
    """The keys that one mapping of the file may hold."""

    settings: Mapping[str, Setting]
    unsupported: frozenset[str]
    """LiteLLM's keys that are known and not acted on yet."""
    prices: bool = False
    """Whether LiteLLM's names of prices may stand here too, with any threshold: `input_cost_per_token_above_128k_tokens`."""

    def setting(self, key: str) -> Setting | None:
        """None: not acted on, or not known."""
        found = self.settings.get(key)
        # Their values are read, and what is wrong with them is named, where the row of the catalogue is made of them.
        return ANYTHING if found is None and self.prices and is_price_name(key) else found


def _sections() -> dict[str, Section]:
    text = resources.files("dragoman.gateway").joinpath("litellm_keys.toml").read_text(encoding="utf-8")
    known = {name: frozenset(keys.split()) for name, keys in tomllib.loads(text).items()}
    supported: dict[str, dict[str, Setting]] = {
        "top_level": _TOP_LEVEL,
        "general_settings": _GENERAL,
        "litellm_settings": _LITELLM,
        "router_settings": _ROUTER,
        "model": _MODEL,
        "litellm_params": _PARAMS | dict.fromkeys(REQUEST_PARAMS.split(), ANYTHING),
    }
    return {
        name: Section(keys, known.get(name, frozenset()), prices=name == "litellm_params")
        for name, keys in supported.items()
    }


SECTIONS: Mapping[str, Section] = _sections()
