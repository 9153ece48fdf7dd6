"""Gemini's requests, checked as Google does and read."""

from __future__ import annotations

import json
from typing import Any

from dragoman.simulator.exchange import Medium, SimulatedCall, SimulatedRequest, SimulatedTurn, ToolResult, decoded_size
from dragoman.simulator.gemini.errors import bad_request, shape_refusal
from dragoman.simulator.gemini.rules import check_rules
from dragoman.simulator.gemini.shapes import GENERATE, to_camel_case
from dragoman.simulator.shape_checks import Check, ShapeError

__all__ = ["content_text", "read_generate", "read_shape"]

_SHOWN = (
    "temperature", "topP", "topK", "seed", "presencePenalty", "frequencyPenalty", "candidateCount", "responseModalities",
    "responseMimeType", "thinkingConfig", "responseLogprobs", "logprobs", "mediaResolution", "speechConfig",
)  # fmt: skip


def read_shape(body: Any, shape: Check) -> Any:
    """`body` in camelCase, when it has this shape."""
    body = to_camel_case(body)
    try:
        shape(body, ())
    except ShapeError as wrong:
        raise shape_refusal(wrong) from None
    return body


def read_generate(given: Any, model: str) -> SimulatedRequest:
    body = read_shape(given, GENERATE)
    check_rules(body, model)
    config = body.get("generationConfig") or {}
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    tools, choice = _tools(body, calling)
    names: dict[str, str] = {}
    shown = {name: config[name] for name in _SHOWN if config.get(name) is not None}
    shown |= {
        name: body[name] for name in ("safetySettings", "cachedContent", "serviceTier", "toolConfig") if body.get(name)
    }
    return SimulatedRequest(
        dialect="gemini",
        model=model,
        turns=[_turn(content, index, names) for index, content in enumerate(body["contents"])],
        system=content_text(body.get("systemInstruction") or {}),
        tools=tools,
        choice=choice,
        schema=_schema(config),
        thinking=_thinks(config.get("thinkingConfig") or {}, model),
        max_tokens=config.get("maxOutputTokens"),
        stop=config.get("stopSequences") or [],
        count=config.get("candidateCount") or 1,
        parameters=shown,
    )


def _thinks(config: Any, model: str) -> bool:
    if config.get("thinkingBudget") == 0:
        return False
    return bool(config) or model.startswith(("gemini-3", "gemini-2.5-pro"))


def _tools(body: Any, calling: Any) -> tuple[dict[str, Any], str]:
    declared = [entry for tool in body.get("tools") or [] for entry in tool.get("functionDeclarations") or []]
    tools = {entry["name"]: entry.get("parametersJsonSchema") or entry.get("parameters") or {} for entry in declared}
    allowed = calling.get("allowedFunctionNames") or []
    mode = calling.get("mode") or "AUTO"
    if mode == "ANY":
        tools = {name: schema for name, schema in tools.items() if not allowed or name in allowed}
        return tools, allowed[0] if len(allowed) == 1 else "required"
    return tools, "none" if mode == "NONE" else "auto"


def _schema(config: Any) -> dict[str, Any] | None:
    if config.get("responseMimeType") != "application/json":
        return None
    return dict(config.get("responseJsonSchema") or config.get("responseSchema") or {})


def content_text(content: Any) -> str:
    parts = content.get("parts") or []
    return "\n".join(part["text"] for part in parts if "text" in part and not part.get("thought"))


def _turn(content: Any, index: int, names: dict[str, str]) -> SimulatedTurn:
    turn = SimulatedTurn("assistant" if content.get("role") == "model" else "user", content_text(content))
    for k, part in enumerate(content["parts"]):
        where = f"contents[{index}].parts[{k}]"
        if "functionCall" in part:
            call = part["functionCall"]
            turn.calls.append(SimulatedCall(call.get("id", ""), call["name"], call.get("args") or {}))
        elif "functionResponse" in part:
            turn.results.append(_result(part["functionResponse"]))
            turn.media += [_medium(inner, where) for inner in part["functionResponse"].get("parts") or []]
        elif "inlineData" in part or "fileData" in part:
            turn.media.append(_medium(part, where))
    return turn


def _result(response: Any) -> ToolResult:
    """Google's own names: `output` or `result` for what it gave, `error` where it failed."""
    given = response["response"]
    found = next((given[name] for name in ("output", "result", "error") if name in given), given)
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return ToolResult(response.get("id", ""), response["name"], text, "error" in given)


_KINDS = {"image": "image", "audio": "audio", "video": "video"}


def _medium(part: Any, where: str) -> Medium:
    if "fileData" in part:
        media_type = part["fileData"].get("mimeType") or "unknown"
        return Medium(_kind(media_type), media_type, None, part["fileData"]["fileUri"])
    blob = part["inlineData"]
    try:
        return Medium(_kind(blob["mimeType"]), blob["mimeType"], decoded_size(blob["data"]))
    except ValueError:
        raise bad_request(
            f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed for \"{blob['data'][:40]}\""
        ) from None


def _kind(media_type: str) -> str:
    return _KINDS.get(media_type.partition("/")[0], "document")
