"""Every key of config.yaml that Dragoman acts on, section by section; docs/settings.md is generated from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from dragoman.gateway.config.server_settings import ServerSettings
from dragoman.litellm.controls import CONTROL_NAMES
from dragoman.litellm.price_names import is_price_name
from dragoman.litellm.unsupported import unsupported_names
from dragoman.routing.settings.deployment_keys import ENTRY_KEYS, KEYS
from dragoman.routing.settings.options import OPTIONS
from dragoman.routing.settings.table import LITELLM_SETTINGS, ROUTER_SETTINGS
from dragoman.settings.readers import Reader, api_key, object_of, text, wrong
from dragoman.settings.setting import Setting, row, settings_of
from dragoman.types.request_params import ALL_PARAMS

__all__ = ["REQUEST_PARAMS", "SECTIONS", "SERVER_SETTINGS", "Section"]


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


def _unchanged(value: Any, path: str) -> Any:
    """Return the value; where it is used, the router reads it, for the SDK too."""
    return value


SERVER_SETTINGS: tuple[Setting, ...] = tuple(settings_of(ServerSettings(), "general_settings"))
"""The settings of the server itself, in `general_settings` and `litellm_settings`."""
_TOP_LEVEL = (
    row("model_list", _unchanged, "the models that are served, see below", kind="list", shown="required"),
    row(
        "router_settings",
        _unchanged,
        "how a deployment is chosen, and what happens when it fails",
        kind="mapping",
    ),
    row("litellm_settings", _unchanged, "more of the same, under LiteLLM's names", kind="mapping"),
    row("general_settings", _unchanged, "the server itself", kind="mapping"),
    row(
        "environment_variables",
        _unchanged,
        "environment variables to set, e.g. `OPENAI_API_KEY`; the rest of the file may refer to them",
        kind="mapping",
    ),
    row(
        "include",
        _unchanged,
        "read first, relative to this file: lists grow, mappings join, and two different values for one key are an error",
        kind="list of files",
    ),
    row(
        "providers",
        _unchanged,
        "your own providers, see [add a provider](add-a-provider.md)",
        kind="list or mapping",
    ),
)
_ENTRY = (
    row(
        "model_name",
        text,
        "the name that callers use. `openai/*` or `*` stands for every model of that pattern that has no entry of its own name; "
        "if several patterns match, the longest one applies. `*` in `model` then becomes what `*` matched",
        shown="required",
    ),
    row("litellm_params", _unchanged, "how the model is reached, see below", kind="mapping", shown="required"),
    row("params", _unchanged, "a shorter word for it", kind="mapping"),
    *(
        row(name, _unchanged, "as in `litellm_params`; older lists have it here", kind=KEYS[name].kind)
        for name in sorted(ENTRY_KEYS)
    ),
    row(
        "model_info",
        object_of,
        "facts and prices under LiteLLM's names (`base_model`, `mode`, `max_input_tokens`, `max_output_tokens`, "
        "`supports_vision`, `input_cost_per_token`, ...), and anything else worth keeping about the model; `id` names the "
        "deployment in `/health` and `/model/info`. `rpm`, `tpm`, `allowed_fails`, `allowed_fails_policy` and `blocked` may "
        "stand here too",
    ),
)
_MODEL = row("model", text, "`provider/model`", shown="required")
_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "api_key": api_key,
        "api_base": _address,
        "base_url": _address,
        "api_version": text,
        "custom_llm_provider": text,
        "base_model": text,
    }
)
"""Readers of what a file holds where they are stricter than those of a call; the router reads the other keys."""
REQUEST_PARAMS = tuple(name for name, param in ALL_PARAMS.items() if param.deployment_default)
"""Parameters of the request itself, which a deployment sets for callers who leave them out."""


@dataclass(frozen=True, slots=True)
class Section:
    """The keys that one mapping of the file may hold."""

    settings: Mapping[str, Setting]
    unsupported: frozenset[str]
    """LiteLLM's keys that are known and have no effect yet."""
    parameters: frozenset[str] = frozenset()
    """Parameters of the request itself."""
    prices: bool = False
    """Whether LiteLLM's names of prices may stand here too, with any threshold: `input_cost_per_token_above_128k_tokens`."""

    def reader(self, key: str) -> Reader | None:
        """Return the reader of a key; None: it has no effect, or is unknown."""
        if key in self.settings:
            return self.settings[key].read
        return _unchanged if key in self.parameters or (self.prices and is_price_name(key)) else None

    @property
    def names(self) -> list[str]:
        """The keys that may stand here, those without effect included."""
        return [*self.settings, *sorted(self.parameters), *sorted(self.unsupported)]


def _table(*rows: Iterable[Setting]) -> dict[str, Setting]:
    return {item.name: item for items in rows for item in items}


def _unread(settings: Mapping[str, Setting]) -> list[Setting]:
    """Return settings that the router reads."""
    return [replace(item, read=_READERS.get(name, _unchanged)) for name, item in settings.items()]


def _server(section: str) -> list[Setting]:
    return [item for item in SERVER_SETTINGS if item.section == section]


def _sections() -> Mapping[str, Section]:
    params = {name: item for name, item in OPTIONS.items() if item.section == "litellm_params"}
    tables = {
        "top_level": _table(*_TOP_LEVEL),
        "general_settings": _table(_server("general_settings")),
        "litellm_settings": _table(_unread(LITELLM_SETTINGS), _server("litellm_settings")),
        "router_settings": _table(_unread(ROUTER_SETTINGS)),
        "model": _table(*_ENTRY),
        "litellm_params": _table(_MODEL, _unread(params), _unread(KEYS)),
    }
    sections = {name: Section(table, unsupported_names(name) - table.keys()) for name, table in tables.items()}
    own, request = sections["litellm_params"], frozenset(REQUEST_PARAMS)
    unsupported = (own.unsupported | CONTROL_NAMES) - own.settings.keys() - request
    sections["litellm_params"] = replace(own, unsupported=unsupported, parameters=request, prices=True)
    return MappingProxyType(sections)


SECTIONS: Mapping[str, Section] = _sections()
