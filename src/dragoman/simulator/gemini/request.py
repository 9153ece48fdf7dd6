"""Check Gemini's requests as Google does, and read them."""

from __future__ import annotations

import json
from typing import Any

from dragoman.simulator.exchange import Medium, SimulatedCall, SimulatedRequest, SimulatedTurn, ToolResult, decoded_size
from dragoman.simulator.fields import list_in, object_in
from dragoman.simulator.gemini.errors import bad_request, shape_refusal
from dragoman.simulator.gemini.rules import check_rules, declarations
from dragoman.simulator.gemini.shapes import GENERATE, to_camel_case
from dragoman.simulator.shape_checks import Check, ShapeError

__all__ = ["content_text", "read_generate", "read_shape"]

_SHOWN = (
    "temperature", "topP", "topK", "seed", "presencePenalty", "frequencyPenalty", "candidateCount", "responseModalities",
    "responseMimeType", "thinkingConfig", "responseLogprobs", "logprobs", "mediaResolution", "speechConfig",
)  # fmt: skip
_SHOWN_BESIDE = ("safetySettings", "cachedContent", "serviceTier", "toolConfig")


def read_shape(body: Any, shape: Check) -> Any:
    """Return `body` in camelCase. Raise Google's error where it has another shape."""
    body = to_camel_case(body)
    try:
        shape(body, ())
    except ShapeError as error:
        raise shape_refusal(error) from None
    return body


def read_generate(raw: Any, model: str) -> SimulatedRequest:
    """Read a request of generateContent. Raise Google's error for one that Google refuses."""
    body = read_shape(raw, GENERATE)
    check_rules(body, model)
    config = object_in(body, "generationConfig")
    tools, choice = _tools(body)
    return SimulatedRequest(
        dialect="gemini",
        model=model,
        turns=[_turn(content, index) for index, content in enumerate(body["contents"])],
        system=content_text(object_in(body, "systemInstruction")),
        tools=tools,
        choice=choice,
        schema=_schema(config),
        thinking=_thinks(object_in(config, "thinkingConfig"), model),
        max_tokens=config.get("maxOutputTokens"),
        stop=list_in(config, "stopSequences"),
        count=config.get("candidateCount") or 1,
        parameters=_parameters(config, body),
    )


def _parameters(config: Any, body: Any) -> dict[str, Any]:
    parameters = {name: config[name] for name in _SHOWN if config.get(name) is not None}
    return parameters | {name: body[name] for name in _SHOWN_BESIDE if body.get(name)}


def _thinks(config: Any, model: str) -> bool:
    if config.get("thinkingBudget") == 0:
        return False
    return bool(config) or model.startswith(("gemini-3", "gemini-2.5-pro"))


def _tools(body: Any) -> tuple[dict[str, Any], str]:
    """Return the functions with their schemas, and the choice among them."""
    schemas: dict[str, Any] = {
        declaration["name"]: declaration.get("parametersJsonSchema") or object_in(declaration, "parameters")
        for _, declaration in declarations(body)
    }
    calling = object_in(object_in(body, "toolConfig"), "functionCallingConfig")
    mode = calling.get("mode") or "AUTO"
    if mode != "ANY":
        return schemas, "none" if mode == "NONE" else "auto"
    allowed = list_in(calling, "allowedFunctionNames")
    if allowed:
        schemas = {name: schema for name, schema in schemas.items() if name in allowed}
    return schemas, allowed[0] if len(allowed) == 1 else "required"


def _schema(config: Any) -> dict[str, Any] | None:
    if config.get("responseMimeType") != "application/json":
        return None
    return dict(config.get("responseJsonSchema") or config.get("responseSchema") or {})


def content_text(content: Any) -> str:
    parts = content.get("parts") or []
    return "\n".join(part["text"] for part in parts if "text" in part and not part.get("thought"))


def _turn(content: Any, index: int) -> SimulatedTurn:
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
    """Read a result. Google's own names are `output` or `result` for a value, and `error` for a failure."""
    holder = response["response"]
    value = next((holder[name] for name in ("output", "result", "error") if name in holder), holder)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ToolResult(response.get("id", ""), response["name"], text, "error" in holder)


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
