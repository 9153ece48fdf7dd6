"""A Gemini caller's request."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.dialect import RequestHints
from dragoman.dialects.gemini.fields import fields, own_vendor
from dragoman.dialects.gemini.messages_read import read_contents, read_system
from dragoman.dialects.gemini.params import TIERS_FROM_WIRE
from dragoman.dialects.gemini.params_read import read_config
from dragoman.dialects.gemini.tools_read import read_tool_config, read_tools
from dragoman.dialects.validation import bad, expect_list, expect_object, expect_str
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["model_of", "read_request"]


def read_request(body: JsonObject, hints: RequestHints) -> ChatRequest:
    """Model and streaming stand in the address, so they come with `hints`."""
    left = fields(body, "")
    request: ChatRequest = {"model": model_of(left, hints), "messages": []}
    left.pop("model", None)
    if "contents" not in left:
        raise bad("contents", "contents are not specified", code="missing_required_parameter")
    request["messages"] = [
        *read_system(left.pop("systemInstruction", None)),
        *read_contents(left.pop("contents")),
    ]
    if not request["messages"]:
        raise bad("contents", "contents are not specified", code="missing_required_parameter")
    if hints.stream:
        request["stream"] = True
    extra = _read_parameters(left, request)
    extra.update(left)
    if extra:
        request["vendor_params"] = {own_vendor: extra}
    return request


def model_of(body: JsonObject, hints: RequestHints) -> str:
    model = hints.model or body.get("model")
    if not model:
        raise bad("model", "no model in the address", code="missing_required_parameter")
    return expect_str(model, "model").removeprefix("models/")


def _read_parameters(left: JsonObject, request: Any) -> JsonObject:
    """Take what has a common name out of `left` and into `request`; gives back what only Google knows."""
    extra: JsonObject = {}
    tools = read_tools(left.pop("tools", None))
    if tools:
        request["tools"] = tools
    choice, unknown = read_tool_config(left.pop("toolConfig", None))
    if choice is not None:
        request["tool_choice"] = choice
    if unknown:
        extra["toolConfig"] = unknown
    config, unknown = read_config(left.pop("generationConfig", None))
    request.update(config)
    if unknown:
        extra["generationConfig"] = unknown
    if left.get("safetySettings"):
        settings = expect_list(left["safetySettings"], "safetySettings")
        request["safety_settings"] = [
            expect_object(setting, f"safetySettings[{index}]") for index, setting in enumerate(settings)
        ]
    left.pop("safetySettings", None)
    if "cachedContent" in left:
        request["cached_content"] = expect_str(left.pop("cachedContent"), "cachedContent")
    if "serviceTier" in left:
        tier = expect_str(left.pop("serviceTier"), "serviceTier").lower()
        request["service_tier"] = TIERS_FROM_WIRE.get(tier, tier)
    return extra
