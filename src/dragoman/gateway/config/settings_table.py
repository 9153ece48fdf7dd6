"""Every key of config.yaml that Dragoman acts on, as data: its type, and where it may stand (see docs/configuration.md)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from dragoman.gateway.http.cors import origins
from dragoman.models.litellm_names import is_price_name
from dragoman.routing.settings.control_names import CONTROL_NAMES
from dragoman.routing.settings.deployment_keys import ENTRY_KEYS, KEYS
from dragoman.routing.settings.options import OPTION_NAMES
from dragoman.routing.settings.table import LITELLM_SETTINGS, ROUTER_SETTINGS
from dragoman.settings.readers import (
    Reader,
    api_key,
    at_least,
    boolean,
    number,
    object_of,
    seconds,
    secret,
    text,
    whole,
    wrong,
)
from dragoman.types.request_params import ALL_PARAMS

__all__ = ["REQUEST_PARAMS", "SECTIONS", "Section"]


def _address(value: Any, path: str) -> str:
    address = text(value, path).strip()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise wrong(path, "an address that begins with http:// or https://", value)
    return address


def _as_it_is(value: Any, path: str) -> Any:
    """Read, and held against what it must be, where it is used: by the router, for the SDK too."""
    return value


_TOP_LEVEL = "model_list litellm_settings router_settings general_settings environment_variables include providers"
_GENERAL: dict[str, Reader] = {
    "master_key": secret,
    "dangerously_permit_weak_or_unset_master_key": boolean,
    "max_request_size_mb": number(0.001, 4096),
    "max_total_request_size_mb": number(0.001, 1_048_576),
    "max_json_depth": whole(1, 500),
    "max_json_values": whole(1),
    "body_timeout": seconds,
    "keep_alive_seconds": seconds,
    "drain_seconds": at_least(0),
    "log_requests": boolean,
    "cors_origins": origins,
    "prices_file": text,
}
_LITELLM: dict[str, Reader] = {
    **dict.fromkeys(LITELLM_SETTINGS, _as_it_is),
    "set_verbose": boolean,
    "json_logs": boolean,
    "telemetry": boolean,
    "sse_keepalive_ping_interval_seconds": seconds,
    "include_cost_in_streaming_usage": boolean,
}
_MODEL: dict[str, Reader] = {
    "model_name": text,
    "litellm_params": _as_it_is,
    "params": _as_it_is,
    "model_info": object_of,
    **dict.fromkeys(ENTRY_KEYS, _as_it_is),
}
_OF_A_CALL = frozenset(name for name in OPTION_NAMES if name.startswith("mock_testing_")) | {"priority"}
"""What only a single call can say."""
_PARAMS: dict[str, Reader] = {
    **dict.fromkeys((*KEYS, *(OPTION_NAMES - _OF_A_CALL)), _as_it_is),
    "model": text,
    "api_key": api_key,
    "api_base": _address,
    "base_url": _address,
    "api_version": text,
    "custom_llm_provider": text,
    "base_model": text,
}
REQUEST_PARAMS = tuple(name for name, param in ALL_PARAMS.items() if param.deployment_default)
"""Parameters of the request itself, which a deployment sets for callers who leave them out."""


@dataclass(frozen=True, slots=True)
class Section:
    """The keys that one mapping of the file may hold."""

    settings: Mapping[str, Reader]
    unsupported: frozenset[str]
    """LiteLLM's keys that are known and not acted on yet."""
    prices: bool = False
    """Whether LiteLLM's names of prices may stand here too, with any threshold: `input_cost_per_token_above_128k_tokens`."""

    def reader(self, key: str) -> Reader | None:
        """None: not acted on, or not known."""
        found = self.settings.get(key)
        return _as_it_is if found is None and self.prices and is_price_name(key) else found


def _sections() -> dict[str, Section]:
    known_text = resources.files("dragoman.gateway.config").joinpath("litellm_keys.toml").read_text(encoding="utf-8")
    known = {name: frozenset(keys.split()) for name, keys in tomllib.loads(known_text).items()}
    supported: dict[str, dict[str, Reader]] = {
        "top_level": dict.fromkeys(_TOP_LEVEL.split(), _as_it_is),
        "general_settings": _GENERAL,
        "litellm_settings": _LITELLM,
        "router_settings": dict.fromkeys(ROUTER_SETTINGS, _as_it_is),
        "model": _MODEL,
        "litellm_params": _PARAMS | dict.fromkeys(REQUEST_PARAMS, _as_it_is),
    }
    return {
        name: Section(keys, _unsupported(name, known) - keys.keys(), prices=name == "litellm_params")
        for name, keys in supported.items()
    }


def _unsupported(section: str, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    names = known.get(section, frozenset())
    return names | CONTROL_NAMES if section == "litellm_params" else names


SECTIONS: Mapping[str, Section] = _sections()
