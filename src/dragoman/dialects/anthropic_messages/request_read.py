"""A caller's request: wire -> hub."""

from __future__ import annotations

from typing import cast

from dragoman.dialects.anthropic_messages.messages_read import read_messages
from dragoman.dialects.anthropic_messages.params_read import read_params
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.codec import RequestHints
from dragoman.dialects.validation import bad, expect_list, expect_str
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["read_chat", "read_request"]


def read_request(body: JsonObject, hints: RequestHints) -> ChatRequest:
    """Return the hub's request. `max_tokens` is required, as at Anthropic."""
    if body.get("max_tokens") is None:
        raise bad("max_tokens", "Field required", code="missing_required_parameter")
    return read_chat(body, hints)


def read_chat(body: JsonObject, hints: RequestHints) -> ChatRequest:
    """Return the hub's request, with `max_tokens` or without (for counting tokens)."""
    request: JsonObject = {"model": _model(body, hints)}
    request["messages"] = read_messages(body)
    own = read_params(body, request)
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
