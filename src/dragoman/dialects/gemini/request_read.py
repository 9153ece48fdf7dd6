"""Read a Gemini caller's request."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import RequestHints
from dragoman.dialects.gemini.fields import fields
from dragoman.dialects.gemini.messages_read import read_contents, read_system
from dragoman.dialects.gemini.params import TIERS_FROM_WIRE
from dragoman.dialects.gemini.params_read import read_config
from dragoman.dialects.gemini.tools_read import read_tool_config, read_tools
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.validation import bad, expect_list, expect_object, expect_str
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["model_of", "read_request"]


def read_request(body: JsonObject, hints: RequestHints) -> ChatRequest:
    """Return the hub's request. Model and streaming stand in the path, so they come with `hints`."""
    rest = fields(body, "")
    request: ChatRequest = {"model": model_of(rest, hints), "messages": []}
    rest.pop("model", None)
    if "contents" not in rest:
        raise bad("contents", "contents are not specified", code="missing_required_parameter")
    request["messages"] = [
        *read_system(rest.pop("systemInstruction", None)),
        *read_contents(rest.pop("contents")),
    ]
    if not request["messages"]:
        raise bad("contents", "contents are not specified", code="missing_required_parameter")
    if hints.stream:
        request["stream"] = True
    extra = _read_params(rest, request)
    extra.update(rest)
    if extra:
        request["vendor_params"] = {VENDOR: extra}
    return request


def model_of(body: JsonObject, hints: RequestHints) -> str:
    model = hints.model or body.get("model")
    if not model:
        raise bad("model", "no model in the address", code="missing_required_parameter")
    return expect_str(model, "model").removeprefix("models/")


def _read_params(rest: JsonObject, request: Any) -> JsonObject:
    """Move the fields that the hub knows out of `rest` into `request`, and return those that only Google knows."""
    extra: JsonObject = {}
    tools = read_tools(rest.pop("tools", None))
    if tools:
        request["tools"] = tools
    choice, own = read_tool_config(rest.pop("toolConfig", None))
    if choice is not None:
        request["tool_choice"] = choice
    if own:
        extra["toolConfig"] = own
    config, own = read_config(rest.pop("generationConfig", None))
    request.update(config)
    if own:
        extra["generationConfig"] = own
    if rest.get("safetySettings"):
        settings = expect_list(rest["safetySettings"], "safetySettings")
        request["safety_settings"] = [
            expect_object(setting, f"safetySettings[{index}]") for index, setting in enumerate(settings)
        ]
    rest.pop("safetySettings", None)
    if "cachedContent" in rest:
        request["cached_content"] = expect_str(rest.pop("cachedContent"), "cachedContent")
    if "serviceTier" in rest:
        tier = expect_str(rest.pop("serviceTier"), "serviceTier").lower()
        request["service_tier"] = TIERS_FROM_WIRE.get(tier, tier)
    return extra
