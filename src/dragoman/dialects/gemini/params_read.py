"""Read a Gemini caller's `generationConfig`: https://ai.google.dev/api/generate-content#generationconfig"""

from __future__ import annotations

import re
from typing import Any

from dragoman.dialects.gemini.fields import fields
from dragoman.dialects.gemini.params import CONFIG_PARAMS, LEVELS
from dragoman.dialects.gemini.schemas_read import read_schema
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject

__all__ = ["read_config"]

_PATH = "generationConfig"
_EFFORTS = (*LEVELS, "xhigh")
"""Levels that may come: `xhigh` is not Google's, but the hub has it."""


def read_config(value: Any) -> tuple[JsonObject, JsonObject]:
    """Return the hub's parameters, and the fields that only Google knows."""
    if value is None:
        return {}, {}
    config = fields(value, _PATH)
    params: JsonObject = {}
    for name, wire_name, wire_type in CONFIG_PARAMS:
        if wire_name in config:
            params[name] = _without_fraction(expect(config.pop(wire_name), wire_type, f"{_PATH}.{wire_name}"))
    stops = _texts(config, "stopSequences")
    if stops:
        params["stop"] = stops
    params.update(_response_format(config))
    modalities = _texts(config, "responseModalities")
    if modalities:
        params["modalities"] = [modality.lower() for modality in modalities]
    params.update(_voice(config))
    if "thinkingConfig" in config:
        params.update(_thinking(fields(config.pop("thinkingConfig"), f"{_PATH}.thinkingConfig")))
    return params, config


def _texts(config: JsonObject, name: str) -> list[str]:
    """Take a list of strings out of `config`."""
    path = f"{_PATH}.{name}"
    return [expect_str(text, path) for text in expect_list(config.pop(name, None) or [], path)]


def _without_fraction(value: Any) -> Any:
    """Return a whole number as an integer: Google's `topK` is a float."""
    return int(value) if isinstance(value, float) and value.is_integer() and value > 1 else value


def _response_format(config: JsonObject) -> JsonObject:
    mime_type = config.get("responseMimeType")
    json_schema = config.get("responseJsonSchema", config.get("_responseJsonSchema"))
    if json_schema is None and "responseSchema" in config:
        json_schema = read_schema(config["responseSchema"], f"{_PATH}.responseSchema")
    if mime_type not in (None, "application/json", "text/plain"):
        return {}  # such as text/x.enum, which only Google knows
    for name in ("responseMimeType", "responseJsonSchema", "_responseJsonSchema", "responseSchema"):
        config.pop(name, None)
    if json_schema is not None:
        schema = expect_object(json_schema, f"{_PATH}.responseJsonSchema")
        json_format = {"name": _name(schema.get("title")), "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": json_format}}
    return {"response_format": {"type": "json_object"}} if mime_type == "application/json" else {}


def _name(title: Any) -> str:
    """Return the name that OpenAI's format demands: letters, digits and `_-`, at most 64 of them.

    https://platform.openai.com/docs/api-reference/chat/create#chat-create-response_format
    """
    name = re.sub(r"[^0-9A-Za-z_-]", "_", title) if isinstance(title, str) else ""
    return name[:64] or "response"


def _voice(config: JsonObject) -> JsonObject:
    """Return the parameters of a single prebuilt voice; every other speech configuration is only Google's."""
    match config.get("speechConfig"):
        case {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": str(voice), **none3}, **none2}, **none1} if not (
            none1 or none2 or none3
        ):
            del config["speechConfig"]
            return {"audio": {"voice": voice, "format": "pcm16"}}
    return {}


def _thinking(config: JsonObject) -> JsonObject:
    path = f"{_PATH}.thinkingConfig"
    shows_thoughts = config.get("includeThoughts") is True
    adaptive = {"type": "adaptive", "display": "summarized" if shows_thoughts else "omitted"}
    level = config.get("thinkingLevel")
    if level is not None and level != "THINKING_LEVEL_UNSPECIFIED":
        return {"reasoning_effort": _effort(level, f"{path}.thinkingLevel"), "thinking": adaptive}
    budget = config.get("thinkingBudget")
    if budget is None:
        return {"thinking": adaptive} if shows_thoughts else {}
    budget = expect(budget, int, f"{path}.thinkingBudget")
    if budget < 0:  # -1: the model decides
        return {"thinking": adaptive}
    if budget == 0:
        return {"thinking": {"type": "disabled"}}
    return {"thinking": {**adaptive, "type": "enabled", "budget_tokens": budget}}


def _effort(level: Any, path: str) -> str:
    effort = expect_str(level, path).lower()
    if effort not in _EFFORTS:
        raise bad(path, f"unknown level {level!r}")
    return effort
