"""The options that stand beside a request, under the names that users write: read here once for the SDK's keyword arguments,
for `model_list` entries and for fallbacks with parameters of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.litellm.controls import CONTROL_NAMES, is_control
from dragoman.litellm.price_names import PRICE_NAMES, is_price_name
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.deployment_keys import KEYS
from dragoman.routing.settings.queue import priority_reader
from dragoman.settings.option_readers import names
from dragoman.settings.readers import wrong
from dragoman.settings.setting import Setting, row, settings_of
from dragoman.settings.suggestions import did_you_mean, near

__all__ = [
    "OPTIONS",
    "OPTION_NAMES",
    "Problem",
    "SplitParams",
    "is_price",
    "merge_options",
    "problems_of",
    "split_params",
    "without_home_credentials",
]

_OF_A_DEPLOYMENT = frozenset(KEYS) - {"region"}
"""What has a meaning in a model list only; a call that sets it is told that it has no effect."""


class Problem(NamedTuple):
    path: str
    message: str


class SplitParams(NamedTuple):
    options: dict[str, Any]
    """By the field of `CallOptions`."""
    rest: dict[str, Any]
    ignored: dict[str, Any]
    """Names that control something other than the request and have no effect here; they are never sent."""
    problems: list[Problem]


def _tags(value: Any, path: str) -> dict[str, Any]:
    return {"tags": list(names(value, path))}


def _priority(value: Any, path: str) -> dict[str, Any]:
    return {"priority": priority_reader(value, path)}


_FACTS = (
    *row("tags", _tags, "the tags of the call", fills="metadata", kind="list of texts"),
    *row("priority", _priority, "the place in the queue; lower is served first", fills="metadata", kind="whole number"),
)
"""What of a call's metadata can stand beside it as well."""
OPTIONS: Mapping[str, Setting] = MappingProxyType(
    {item.name: item for item in (*settings_of(NO_OPTIONS, "litellm_params"), *_FACTS)}
)
"""The options of a call by the names that users write."""
OPTION_NAMES: frozenset[str] = frozenset(OPTIONS)
_MERGED = frozenset({"extra_headers", "extra_query", "extra_body", "metadata", "prices"})
_JOINED = frozenset({"additional_drop_params", "allowed_openai_params"})
_FIELDS = tuple(field.name for field in fields(CallOptions))
_HOME = ("api_key", "api_base", "api_version", "custom_llm_provider", "extra_headers", "extra_query", "extra_body")


def split_params(params: Mapping[str, Any], path: str = "") -> SplitParams:
    """Split what a user wrote into options, request parameters, and names without effect. None counts as absent."""
    parts = SplitParams({}, {}, {}, [])
    for name, value in params.items():
        where = f"{path}.{name}" if path else name
        option = OPTIONS.get(name)
        if option is None:
            _other(name, value, where, parts)
        elif value is not None:
            _option(option, value, where, parts)
    return parts


def _option(option: Setting, value: Any, where: str, parts: SplitParams) -> None:
    try:
        read = option.read(value, where)
    except ConfigError as error:
        parts.problems.extend(problems_of(error, where))
        return
    if option.field in _MERGED:
        old = parts.options.get(option.field, {})
        parts.options[option.field] = {**old, **_sendable(option.field, read, where, parts)}
    else:
        parts.options.setdefault(option.field, read)


def _sendable(field: str, value: dict[str, Any], where: str, parts: SplitParams) -> dict[str, Any]:
    """Return an `extra_body` without the names that are never sent."""
    if field != "extra_body" or not any(map(is_control, value)):
        return value
    parts.ignored.update({f"{where}.{name}": item for name, item in value.items() if is_control(name)})
    return {name: item for name, item in value.items() if not is_control(name)}


def _other(name: str, value: Any, where: str, parts: SplitParams) -> None:
    """Sort in a name without effect, a price under any of LiteLLM's names, or a parameter of the request."""
    if name in CONTROL_NAMES or name in _OF_A_DEPLOYMENT:
        parts.ignored[name] = value
    elif not is_price(name):
        (parts.ignored if is_control(name) else parts.rest)[name] = value
    elif value is not None:
        if not is_price_name(name):
            parts.problems.append(Problem(where, f"unknown price{did_you_mean(name, PRICE_NAMES)}"))
        elif not _is_amount(value):
            parts.problems.extend(problems_of(wrong(where, "dollars as a number of 0 or more", value), where))
        parts.options.setdefault("prices", {})[name] = value


def _is_amount(value: Any) -> bool:
    """Whether it may be a price: a number, a text of one (YAML takes `1e-6` for a text), or prices by size or amount."""
    if isinstance(value, (Mapping, list, tuple)):
        return True
    try:
        return not isinstance(value, bool) and 0 <= float(value) < math.inf
    except (TypeError, ValueError):
        return False


def problems_of(error: ConfigError, path: str) -> Iterator[Problem]:
    """Yield each line of an error with its path, or with `path` if it names none."""
    for line in error.message.splitlines():
        where, _, message = line.partition(": ")
        yield Problem(where, message) if message else Problem(path, line)


def merge_options(first: CallOptions, second: CallOptions) -> CallOptions:
    """Return the options of `first`, with those of `second` where it sets none."""
    if first is NO_OPTIONS:  # nearly always: to compare them takes longer than all else here
        return second
    if second is NO_OPTIONS or second == NO_OPTIONS:
        return first
    if first == NO_OPTIONS:
        return second
    return CallOptions(**{name: _merged(name, getattr(first, name), getattr(second, name)) for name in _FIELDS})


def _merged(name: str, first: Any, second: Any) -> Any:
    if name in _MERGED:
        return {**second, **first} if first and second else first or second
    if name in _JOINED:
        return tuple(dict.fromkeys((*first, *second)))
    return second if first is None else first


def without_home_credentials(options: CallOptions) -> tuple[CallOptions, tuple[str, ...]]:
    """Return the options for another provider than the one they were meant for, without its key, address and private
    parameters, and the names of those parameters that are not sent therefore."""
    if options is NO_OPTIONS or not any(getattr(options, name) for name in _HOME):
        return options, ()
    emptied: dict[str, Any] = {name: None for name in _HOME[:4]}
    emptied.update({name: {} for name in _HOME[4:]})
    return replace(options, **emptied), tuple(_sent(options))


def _sent(options: CallOptions) -> Iterable[str]:
    return (name for name in _HOME[4:] if getattr(options, name))


_MARK = "_cost_per_"
_SIMILARITY = 0.9
_NO_PRICES = frozenset({"inference_geo"})
"""LiteLLM's rows have it among the prices; in a request it says where Anthropic computes."""


def is_price(name: str) -> bool:
    """Whether it is one of LiteLLM's price names, or resembles one."""
    if "cost" not in name:
        return name in PRICE_NAMES and name not in _NO_PRICES
    return is_price_name(name) or _MARK in name or bool(near(name, PRICE_NAMES, 1, _SIMILARITY))
