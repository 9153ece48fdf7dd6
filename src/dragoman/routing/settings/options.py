"""What can be said beside a request, under the names that users write: read here once for the SDK's keyword arguments, for
`model_list` entries and for fallbacks that bring parameters of their own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.models import PRICE_NAMES, is_price_name
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.control_names import CONTROL_NAMES, is_control
from dragoman.routing.settings.deployment_keys import KEYS
from dragoman.routing.settings.hedge import hedge_policy
from dragoman.settings.readers import as_boolean, as_number
from dragoman.settings.suggestions import did_you_mean, near

__all__ = [
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
"""What means something in a model list only; callers who say it are told that it has no effect."""


_MOST_RETRIES = 100
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEADERS_EXPECTED = "an object of header names and strings without line breaks"


class Problem(NamedTuple):
    path: str
    message: str


class SplitParams(NamedTuple):
    options: dict[str, Any]
    """By the field of `CallOptions`."""
    rest: dict[str, Any]
    ignored: dict[str, Any]
    """What controls something else than the request and has no effect here; it is never sent."""
    problems: list[Problem]


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _seconds(value: Any) -> Any:
    found = as_number(value)
    return float(found) if found is not None and found > 0 else None


def _count(value: Any) -> Any:
    found = as_number(value)
    return int(found) if found is not None and 0 <= found <= _MOST_RETRIES and found == int(found) else None


def _tags(value: Any) -> Any:
    names = _names(value)
    return None if names is None else {"tags": list(names)}


def _priority(value: Any) -> Any:
    found = as_number(value)
    return {"priority": int(found)} if found is not None and found == int(found) else None


def _names(value: Any) -> Any:
    names = _listed(value)
    return names if names is not None and all(isinstance(name, str) for name in names) else None


def _listed(value: Any) -> tuple[Any, ...] | None:
    """What any iterable holds; None for a text, for an object, and for what is no iterable."""
    good = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    return tuple(value) if good else None


def _texts(value: Any) -> Any:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return None
    return {name: str(text) for name, text in value.items() if text is not None}


def _headers(value: Any) -> Any:
    """Texts that a header can carry: a line break would end the header and begin another one."""
    found = _texts(value)
    sound = found is not None and all(
        _HEADER_NAME.fullmatch(name) and not _CONTROL.search(text) for name, text in found.items()
    )
    return found if sound else None


def _object(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else None


def _targets(value: Any) -> Any:
    targets = (value,) if isinstance(value, str) else _listed(value)
    if targets is None:
        return None
    good = all(isinstance(t, str) or (isinstance(t, Mapping) and isinstance(t.get("model"), str)) for t in targets)
    return tuple(target if isinstance(target, str) else dict(target) for target in targets) if good else None


def _hedge(value: Any) -> Any:
    try:
        return hedge_policy(value, "hedge")
    except ConfigError:
        return None


def _mid_stream(value: Any) -> Any:
    return value if value in ("error", "continue") else None


def _anything(value: Any) -> Any:
    return value


def _tool_calls(value: Any) -> Any:
    calls = _listed(value)
    good = calls is not None and all(isinstance(call, Mapping) for call in calls)
    return tuple(dict(call) for call in calls or ()) if good else None


_Reading = tuple[str, Callable[[Any], Any], str]
_SECONDS: tuple[Callable[[Any], Any], str] = (_seconds, "a number of seconds above 0")
_FLAG: tuple[Callable[[Any], Any], str] = (as_boolean, "true or false")
_OPTIONS: dict[str, _Reading] = {
    "api_key": ("api_key", _text, "a string"),
    "api_base": ("api_base", _text, "a string"),
    "base_url": ("api_base", _text, "a string"),
    "api_version": ("api_version", _text, "a string"),
    "custom_llm_provider": ("custom_llm_provider", _text, "a string"),
    "timeout": ("timeout", *_SECONDS),
    "request_timeout": ("timeout", *_SECONDS),
    "stream_timeout": ("stream_timeout", *_SECONDS),
    "connect_timeout": ("connect_timeout", *_SECONDS),
    "idle_timeout": ("idle_timeout", *_SECONDS),
    "num_retries": ("num_retries", _count, "a whole number from 0 to 100"),
    "max_retries": ("num_retries", _count, "a whole number from 0 to 100"),
    "fallbacks": ("fallbacks", _targets, "a list of models, or of objects with `model`"),
    "disable_fallbacks": ("disable_fallbacks", *_FLAG),
    "mock_testing_fallbacks": ("mock_testing_fallbacks", *_FLAG),
    "mock_testing_rate_limit_error": ("mock_testing_rate_limit_error", *_FLAG),
    "mock_testing_context_fallbacks": ("mock_testing_context_fallbacks", *_FLAG),
    "mock_testing_content_policy_fallbacks": ("mock_testing_content_policy_fallbacks", *_FLAG),
    "hedge": ("hedge", _hedge, "`{after: p95 or seconds, max_extra_cost: dollars}`, true or false"),
    "mid_stream_fallback": ("mid_stream_fallback", _mid_stream, "`error` or `continue`"),
    "drop_params": ("drop_params", *_FLAG),
    "additional_drop_params": ("additional_drop_params", _names, "a list of parameter names"),
    "allowed_openai_params": ("allowed_openai_params", _names, "a list of parameter names"),
    "headers": ("extra_headers", _headers, _HEADERS_EXPECTED),
    "extra_headers": ("extra_headers", _headers, _HEADERS_EXPECTED),
    "extra_query": ("extra_query", _texts, "an object of strings"),
    "extra_body": ("extra_body", _object, "an object"),
    "metadata": ("metadata", _object, "an object"),
    "tags": ("metadata", _tags, "a list of texts"),
    "priority": ("metadata", _priority, "a whole number"),
    "mock_response": ("mock_response", _anything, "anything"),
    "mock_tool_calls": ("mock_tool_calls", _tool_calls, "a list of tool calls"),
    "mock_delay": ("mock_delay", *_SECONDS),
    "mock_timeout": ("mock_timeout", *_FLAG),
    "base_model": ("base_model", _text, "a model such as `azure/gpt-6.1-sol`"),
}
OPTION_NAMES: frozenset[str] = frozenset(_OPTIONS)
_MERGED = frozenset({"extra_headers", "extra_query", "extra_body", "metadata", "prices"})
_JOINED = frozenset({"additional_drop_params", "allowed_openai_params"})
_FIELDS = tuple(field.name for field in fields(CallOptions))
_HOME = ("api_key", "api_base", "api_version", "custom_llm_provider", "extra_headers", "extra_query", "extra_body")


def split_params(params: Mapping[str, Any], path: str = "") -> SplitParams:
    """Cut what a user wrote into options, request parameters, and names that do nothing yet. None counts as not said."""
    found = SplitParams({}, {}, {}, [])
    for name, value in params.items():
        where = f"{path}.{name}" if path else name
        if name not in _OPTIONS:
            _other(name, value, where, found)
        elif value is not None:
            field, read, expected = _OPTIONS[name]
            read_value = read(value)
            if read_value is None:
                found.problems.append(Problem(where, f"expected {expected}, got {_shown(value, expected)}"))
            elif field in _MERGED:
                found.options[field] = {**found.options.get(field, {}), **_sendable(field, read_value, where, found)}
            else:
                found.options.setdefault(field, read_value)
    return found


def _sendable(field: str, value: dict[str, Any], where: str, found: SplitParams) -> dict[str, Any]:
    """An `extra_body` is sent as it stands, but for what never leaves."""
    if field != "extra_body" or not any(map(is_control, value)):
        return value
    found.ignored.update({f"{where}.{name}": item for name, item in value.items() if is_control(name)})
    return {name: item for name, item in value.items() if not is_control(name)}


def _other(name: str, value: Any, where: str, found: SplitParams) -> None:
    """What does nothing here, a price under any of LiteLLM's many names, or a parameter of the request."""
    if name in CONTROL_NAMES or name in _OF_A_DEPLOYMENT:
        found.ignored[name] = value
    elif not is_price(name):
        (found.ignored if is_control(name) else found.rest)[name] = value
    elif value is not None:
        if not is_price_name(name):
            found.problems.append(Problem(where, f"unknown price{did_you_mean(name, PRICE_NAMES)}"))
        elif not _is_amount(value):
            expected = "dollars as a number of 0 or more"
            found.problems.append(Problem(where, f"expected {expected}, got {_shown(value, expected)}"))
        found.options.setdefault("prices", {})[name] = value


def _is_amount(value: Any) -> bool:
    """Whether it may be a price: a number, a text of one (YAML takes `1e-6` for a text), or prices by size or amount."""
    if isinstance(value, (Mapping, list, tuple)):
        return True
    try:
        return not isinstance(value, bool) and 0 <= float(value) < math.inf
    except (TypeError, ValueError):
        return False


def _shown(value: Any, expected: str) -> str:
    """A number as it is where one is expected, and of everything else, which may be a secret, the type."""
    is_shown = isinstance(value, bool) or (isinstance(value, (int, float)) and "number" in expected)
    return repr(value) if is_shown else type(value).__name__


def problems_of(error: ConfigError, path: str) -> Iterator[Problem]:
    """Each line of an error by its path, or else by this one."""
    for line in error.message.splitlines():
        where, _, message = line.partition(": ")
        yield Problem(where, message) if message else Problem(path, line)


def merge_options(first: CallOptions, second: CallOptions) -> CallOptions:
    """What `first` says, and where it says nothing, what `second` says."""
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
    """The options for another provider than the one that the caller meant them for: its key, address and private parameters
    stay at home. Also gives the names of those parameters that are thereby not sent."""
    if options is NO_OPTIONS or not any(getattr(options, name) for name in _HOME):
        return options, ()
    emptied: dict[str, Any] = {name: None for name in _HOME[:4]}
    emptied.update({name: {} for name in _HOME[4:]})
    return replace(options, **emptied), tuple(_sent(options))


def _sent(options: CallOptions) -> Iterable[str]:
    return (name for name in _HOME[4:] if getattr(options, name))


_MARK = "_cost_per_"


_LIKE = 0.9


_NO_PRICES = frozenset({"inference_geo"})
"""LiteLLM's rows have it among the prices; in a request it says where Anthropic computes."""


def is_price(name: str) -> bool:
    """Whether it is one of LiteLLM's price names, or one that somebody mistyped."""
    if "cost" not in name:
        return name in PRICE_NAMES and name not in _NO_PRICES
    return is_price_name(name) or _MARK in name or bool(near(name, PRICE_NAMES, 1, _LIKE))
