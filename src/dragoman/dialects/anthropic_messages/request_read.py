"""A caller's Anthropic body, as the hub's request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from dragoman.dialects.anthropic_messages.messages_read import read_messages
from dragoman.dialects.anthropic_messages.tools_read import read_tool_choice, read_tools
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.dialect import RequestHints
from dragoman.dialects.openai_strict import fits_openai_strict
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["read_chat", "read_request"]

_SERVICE_TIERS = {"standard_only": "default"}


def read_request(body: JsonObject, hints: RequestHints) -> ChatRequest:
    """As Anthropic does, `max_tokens` is demanded."""
    if body.get("max_tokens") is None:
        raise bad("max_tokens", "Field required", code="missing_required_parameter")
    return read_chat(body, hints)


def read_chat(body: JsonObject, hints: RequestHints) -> ChatRequest:
    """The request, `max_tokens` or not: counting tokens goes without."""
    request: JsonObject = {"model": _model(body, hints)}
    request["messages"] = read_messages(body)
    own: JsonObject = {}
    for key, value in body.items():
        if value is None or key in _READ_ELSEWHERE:
            continue
        reader = _READERS.get(key)
        if reader is None:
            own[key] = value
        else:
            reader(value, request, own)
    _add_effort(request, own)
    _add_betas(own, hints)
    if hints.stream is not None:
        request["stream"] = hints.stream
    if own:
        request["vendor_params"] = {VENDOR: own}
    return cast(ChatRequest, request)


def _model(body: JsonObject, hints: RequestHints) -> str:
    if body.get("model") is None and hints.model is not None:
        return hints.model
    return expect_str(body.get("model"), "model")


_READ_ELSEWHERE = frozenset({"model", "messages", "system"})
_Reader = Callable[[Any, JsonObject, JsonObject], None]


def _same(key: str, kind: type[Any], name: str | None = None) -> _Reader:
    """A parameter that has another name at most."""

    def read(value: Any, request: JsonObject, _: JsonObject) -> None:
        request[name or key] = expect(value, kind, key)

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
    request["service_tier"] = _SERVICE_TIERS.get(tier, tier)


def _output_config(value: Any, request: JsonObject, own: JsonObject) -> None:
    config = dict(expect_object(value, "output_config"))
    wanted = config.pop("format", None)
    if wanted is not None:
        _output_format(wanted, request, own, "output_config.format")
    effort = config.pop("effort", None)
    if effort is not None:
        request["reasoning_effort"] = expect_str(effort, "output_config.effort")
    if config:
        own["output_config"] = config


def _output_format(value: Any, request: JsonObject, own: JsonObject, path: str = "output_format") -> None:
    """`output_format` is what `output_config.format` was called in the beta."""
    wanted = expect_object(value, path)
    if expect_str(wanted.get("type"), f"{path}.type") != "json_schema":
        raise bad(f"{path}.type", f"expected json_schema, got {wanted['type']!r}")
    schema = expect_object(wanted.get("schema"), f"{path}.schema")
    request["response_format"] = {
        "type": "json_schema",
        "vendor": VENDOR,
        "json_schema": {"name": "answer", "strict": fits_openai_strict(schema), "schema": schema},
    }


_READERS: dict[str, _Reader] = {
    "max_tokens": _same("max_tokens", int),
    "stream": _same("stream", bool),
    "temperature": _same("temperature", float),
    "top_p": _same("top_p", float),
    "top_k": _same("top_k", int),
    "stop_sequences": _stop,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "thinking": _thinking,
    "metadata": _metadata,
    "service_tier": _service_tier,
    "output_config": _output_config,
    "output_format": _output_format,
}
"""Parameters that have a common name; all others are kept under `vendor_params`."""


def _add_effort(request: JsonObject, own: JsonObject) -> None:
    """To Anthropic an effort without thinking is an effort only, while in the hub an effort asks for reasoning. The caller's
    own words win when this is written for Anthropic again."""
    if "reasoning_effort" in request and request.get("thinking", {}).get("type") in (None, "disabled"):
        own["output_config"] = own.get("output_config", {}) | {"effort": request["reasoning_effort"]}


def _add_betas(own: JsonObject, hints: RequestHints) -> None:
    named = [name.strip() for name in hints.headers.get("anthropic-beta", "").split(",") if name.strip()]
    listed = own.pop("betas", None)
    if listed is not None:
        listed = [expect_str(name, f"betas[{number}]") for number, name in enumerate(expect_list(listed, "betas"))]
    betas = list(dict.fromkeys([*named, *(listed or [])]))
    if betas:
        own["betas"] = betas
