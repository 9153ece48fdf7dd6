"""A Gemini caller's `generationConfig`."""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.gemini.fields import fields
from dragoman.dialects.gemini.schemas_read import read_schema
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject

__all__ = ["read_config"]

_SAME: dict[str, tuple[str, type]] = {
    "temperature": ("temperature", float),
    "topP": ("top_p", float),
    "topK": ("top_k", float),
    "candidateCount": ("n", int),
    "maxOutputTokens": ("max_tokens", int),
    "seed": ("seed", int),
    "presencePenalty": ("presence_penalty", float),
    "frequencyPenalty": ("frequency_penalty", float),
    "responseLogprobs": ("logprobs", bool),
    "logprobs": ("top_logprobs", int),
}
_PATH = "generationConfig"
_LEVELS = ("minimal", "low", "medium", "high", "xhigh")


def read_config(value: Any) -> tuple[JsonObject, JsonObject]:
    """The hub's parameters, and what only Google knows."""
    if value is None:
        return {}, {}
    config = fields(value, _PATH)
    result: JsonObject = {}
    for name, (known, kind) in _SAME.items():
        if name in config:
            result[known] = _whole(expect(config.pop(name), kind, f"{_PATH}.{name}"))
    stops = config.pop("stopSequences", None)
    if stops:
        path = f"{_PATH}.stopSequences"
        result["stop"] = [expect_str(stop, path) for stop in expect_list(stops, path)]
    result.update(_response_format(config))
    modalities = config.pop("responseModalities", None)
    if modalities:
        path = f"{_PATH}.responseModalities"
        result["modalities"] = [expect_str(name, path).lower() for name in expect_list(modalities, path)]
    result.update(_voice(config))
    if "thinkingConfig" in config:
        result.update(_thinking(fields(config.pop("thinkingConfig"), f"{_PATH}.thinkingConfig")))
    return result, config


def _whole(value: Any) -> Any:
    """Google's topK is a float."""
    return int(value) if isinstance(value, float) and value.is_integer() and value > 1 else value


def _response_format(config: JsonObject) -> JsonObject:
    kind = config.get("responseMimeType")
    json_schema = config.get("responseJsonSchema", config.get("_responseJsonSchema"))
    if json_schema is None and "responseSchema" in config:
        json_schema = read_schema(config["responseSchema"], f"{_PATH}.responseSchema")
    if kind not in (None, "application/json", "text/plain"):
        return {}  # text/x.enum, say: only Google knows it
    for name in ("responseMimeType", "responseJsonSchema", "_responseJsonSchema", "responseSchema"):
        config.pop(name, None)
    if json_schema is not None:
        schema = expect_object(json_schema, f"{_PATH}.responseJsonSchema")
        named = {"name": _name(schema.get("title")), "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {"response_format": {"type": "json_object"}} if kind == "application/json" else {}


def _name(title: Any) -> str:
    """OpenAI wants a name, of letters, digits and `_-`."""
    good = re.sub(r"[^0-9A-Za-z_-]", "_", title) if isinstance(title, str) else ""
    return good[:64] or "response"


def _voice(config: JsonObject) -> JsonObject:
    """Only the simplest speech has a common name: one of the ready-made voices."""
    match config.get("speechConfig"):
        case {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": str(voice), **none3}, **none2}, **none1} if not (
            none1 or none2 or none3
        ):
            del config["speechConfig"]
            return {"audio": {"voice": voice, "format": "pcm16"}}
    return {}


def _thinking(config: JsonObject) -> JsonObject:
    path = f"{_PATH}.thinkingConfig"
    shown = config.get("includeThoughts") is True
    display = {"display": "summarized" if shown else "omitted"}
    level = config.get("thinkingLevel")
    if level is not None and level != "THINKING_LEVEL_UNSPECIFIED":
        effort = expect_str(level, f"{path}.thinkingLevel").lower()
        if effort not in _LEVELS:
            raise bad(f"{path}.thinkingLevel", f"unknown level {level!r}")
        return {"reasoning_effort": effort, "thinking": {"type": "adaptive", **display}}
    budget = config.get("thinkingBudget")
    if budget is None:
        return {"thinking": {"type": "adaptive", **display}} if shown else {}
    budget = expect(budget, int, f"{path}.thinkingBudget")
    if budget == 0:
        return {"thinking": {"type": "disabled"}}
    if budget < 0:
        return {"thinking": {"type": "adaptive", **display}}
    return {"thinking": {"type": "enabled", "budget_tokens": budget, **display}}
