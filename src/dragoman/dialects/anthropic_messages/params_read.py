"""The parameters of a caller's request: wire -> hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.anthropic_messages.params import SERVICE_TIERS
from dragoman.dialects.anthropic_messages.tools_read import read_tool_choice, read_tools
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.openai_strict import fits_openai_strict
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject
from dragoman.types.request_params import PARAM_TYPES

__all__ = ["READ_FIELDS", "read_params"]

_Reader = Callable[[Any, JsonObject, JsonObject], None]
_CONTENT = frozenset({"model", "messages", "system"})
_TIERS = {wire: hub for hub, wire in SERVICE_TIERS.items()}


def read_params(body: JsonObject, request: JsonObject) -> JsonObject:
    """Add the parameters of the body that have a common name to the hub's `request`. Return the others, which are
    Anthropic's own."""
    own: JsonObject = {}
    for key, value in body.items():
        if value is None or key in _CONTENT:
            continue
        reader = _READERS.get(key)
        if reader is None:
            own[key] = value
        else:
            reader(value, request, own)
    return own


def _same(name: str, kind: type[Any]) -> _Reader:
    """Return the reader of a parameter that is the same in the hub."""

    def read(value: Any, request: JsonObject, _: JsonObject) -> None:
        request[name] = expect(value, kind, name)

    return read


def _stop(value: Any, request: JsonObject, _: JsonObject) -> None:
    stops = expect_list(value, "stop_sequences")
    request["stop"] = [expect_str(stop, f"stop_sequences[{number}]") for number, stop in enumerate(stops)]


def _tools(value: Any, request: JsonObject, _: JsonObject) -> None:
    request["tools"] = read_tools(value)


def _tool_choice(value: Any, request: JsonObject, _: JsonObject) -> None:
    request.update(read_tool_choice(value))


def _thinking(value: Any, request: JsonObject, _: JsonObject) -> None:
    thinking = expect_object(value, "thinking")
    expect_str(thinking.get("type"), "thinking.type")
    if thinking.get("budget_tokens") is not None:
        expect(thinking["budget_tokens"], int, "thinking.budget_tokens")
    request["thinking"] = thinking


def _metadata(value: Any, request: JsonObject, own: JsonObject) -> None:
    metadata = dict(expect_object(value, "metadata"))
    user = metadata.pop("user_id", None)
    if user is not None:
        request["user"] = expect_str(user, "metadata.user_id")
    if metadata:
        own["metadata"] = metadata


def _service_tier(value: Any, request: JsonObject, _: JsonObject) -> None:
    tier = expect_str(value, "service_tier")
    request["service_tier"] = _TIERS.get(tier, tier)


def _output_config(value: Any, request: JsonObject, own: JsonObject) -> None:
    config = dict(expect_object(value, "output_config"))
    output_format = config.pop("format", None)
    if output_format is not None:
        _output_format(output_format, request, own, "output_config.format")
    effort = config.pop("effort", None)
    if effort is not None:
        request["reasoning_effort"] = expect_str(effort, "output_config.effort")
    if config:
        own["output_config"] = config


def _output_format(value: Any, request: JsonObject, own: JsonObject, path: str = "output_format") -> None:
    """`output_format` is what `output_config.format` was called in the beta."""
    output_format = expect_object(value, path)
    if expect_str(output_format.get("type"), f"{path}.type") != "json_schema":
        raise bad(f"{path}.type", f"expected json_schema, got {output_format['type']!r}")
    schema = expect_object(output_format.get("schema"), f"{path}.schema")
    request["response_format"] = {
        "type": "json_schema",
        "vendor": VENDOR,
        "json_schema": {"name": "answer", "strict": fits_openai_strict(schema), "schema": schema},
    }


_READERS: dict[str, _Reader] = {
    **{
        name: _same(name, PARAM_TYPES["chat"][name])
        for name in ("max_tokens", "stream", "temperature", "top_p", "top_k")
    },
    "stop_sequences": _stop,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "thinking": _thinking,
    "metadata": _metadata,
    "service_tier": _service_tier,
    "output_config": _output_config,
    "output_format": _output_format,
}
"""By the field of the body. All others are kept under `vendor_params`."""

READ_FIELDS = frozenset(_READERS)
"""The fields that have a common name."""
