"""What Google demands of a request beyond the shape of its fields."""

from __future__ import annotations

import json
import re
from typing import Any

from dragoman.simulator.gemini.errors import bad_request, snake_case
from dragoman.simulator.signatures import verify

__all__ = ["call_content", "check_rules"]

_PASS = (
    "skip_thought_signature_validator",
    "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",  # the same in base64, as clients send bytes
    "context_engineering_is_the_way_to_go",
)
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall",
         "toolResponse")  # fmt: skip
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")


def call_content(name: str, arguments: Any) -> str:
    """What the signature of a function call is made for."""
    return f"{name} {json.dumps(arguments, sort_keys=True)}"


def check_rules(body: Any, model: str) -> None:
    contents = body["contents"]
    for index, content in enumerate(contents):
        _check_content(content, index)
    _check_order(contents)
    _check_signatures(contents, model)
    _check_declarations(body)
    config = body.get("generationConfig") or {}
    json_wanted = config.get("responseMimeType") in ("application/json", "text/x.enum")
    if ("responseSchema" in config or "responseJsonSchema" in config) and not json_wanted:
        raise bad_request(
            "* GenerateContentRequest.generation_config.response_schema: only allowed when `response_mime_type` is "
            "`application/json` or `text/x.enum`"
        )
    if "responseSchema" in config and "responseJsonSchema" in config:
        raise bad_request("Only one of `response_schema` and `response_json_schema` may be set.")
    declared = any(tool.get("functionDeclarations") for tool in body.get("tools") or [])
    if json_wanted and declared and model.startswith("gemini-2"):
        raise bad_request("Function calling with a response mime type: 'application/json' is unsupported")
    if "responseSchema" in config:
        _check_schema(config["responseSchema"], "generation_config.response_schema")
    _check_thinking(config.get("thinkingConfig") or {})


def _check_thinking(config: Any) -> None:
    if "thinkingBudget" in config and "thinkingLevel" in config:
        raise bad_request("You can only set only one of thinking budget and thinking level.")


def _check_content(content: Any, index: int) -> None:
    if content.get("role") not in (None, "user", "model", "function"):
        raise bad_request("Please use a valid role: user, model.")
    if not content.get("parts"):
        raise bad_request(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.")
    for k, part in enumerate(content["parts"]):
        held = [name for name in _DATA if name in part]
        where = f"GenerateContentRequest.contents[{index}].parts[{k}].data"
        if not held and not ({"thoughtSignature", "videoMetadata"} & part.keys()):
            raise bad_request(f"* {where}: required oneof field 'data' must have one initialized field")
        if len(held) > 1:
            names = " and ".join(snake_case(name) for name in held[:2])
            raise bad_request(
                f"Invalid value at 'contents[{index}].parts[{k}]' (oneof), oneof field 'data' is already set. Cannot set {names}."
            )


def _check_order(contents: list[Any]) -> None:
    """Function responses come right behind their calls, as many of them."""
    waiting = 0
    for index, content in enumerate(contents):
        calls = sum(1 for part in content["parts"] if "functionCall" in part)
        responses = sum(1 for part in content["parts"] if "functionResponse" in part)
        if responses and not waiting:
            raise bad_request("Please ensure that function response turn comes immediately after a function call turn.")
        if responses != waiting:
            raise bad_request(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the "
                "function call turn."
            )
        if calls and (content.get("role") != "model" or index == 0 or contents[index - 1].get("role") == "model"):
            raise bad_request(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
            )
        waiting = calls
    if waiting:
        raise bad_request("Please ensure that the number of function response parts is equal to the number of function "
                      "call parts of the "
                      "function call turn.")  # fmt: skip


def _check_signatures(contents: list[Any], model: str) -> None:
    for content in contents:
        for part in content["parts"]:
            signature = part.get("thoughtSignature")
            if signature is not None and signature not in _PASS:
                _check_signature(part, signature)
    if model.startswith("gemini-3"):
        _check_present(contents)


def _check_signature(part: Any, signature: str) -> None:
    content = verify("gemini", signature.replace("-", "+").replace("_", "/"))
    if content is None:
        raise bad_request("Corrupted thought signature.")
    call = part.get("functionCall")
    if call and content != call_content(call["name"], call.get("args") or {}):
        raise bad_request("Thought signature is not valid for this function call.")


def _check_present(contents: list[Any]) -> None:
    """Gemini 3: the first call of each step of the turn that is under way carries its signature."""
    start = max((index for index, content in enumerate(contents) if _is_question(content)), default=0)
    for content in contents[start:]:
        calls = [(k, part) for k, part in enumerate(content["parts"]) if "functionCall" in part]
        if calls and "thoughtSignature" not in calls[0][1]:
            k, part = calls[0]
            raise bad_request(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and "
                "missing thought_signature may lead to degraded model performance. Additional data, function call "
                f"`default_api:{part['functionCall']['name']}` , position {k + 1}. Please refer to "
                "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            )


def _is_question(content: Any) -> bool:
    return content.get("role") != "model" and not any("functionResponse" in part for part in content["parts"])


def _check_declarations(body: Any) -> None:
    names: list[str] = []
    for t, tool in enumerate(body.get("tools") or []):
        for k, declared in enumerate(tool.get("functionDeclarations") or []):
            where = f"tools[{t}].function_declarations[{k}]"
            if not _NAME.fullmatch(declared["name"]):
                raise bad_request(
                    f"* GenerateContentRequest.{where}.name: [Invalid function name. Must start with a letter or an "
                    f"underscore. Must be "
                    "alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum "
                    "length of 64.]"
                )
            if "parameters" in declared and "parametersJsonSchema" in declared:
                raise bad_request(f"{where}: only one of `parameters` and `parameters_json_schema` may be set.")
            if declared.get("parameters"):
                _check_schema(declared["parameters"], f"{where}.parameters")
            names.append(declared["name"])
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled:
        raise bad_request(f"Duplicate function declaration found: {doubled}")
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if calling.get("allowedFunctionNames") and calling.get("mode") not in ("ANY", "VALIDATED"):
        raise bad_request("Please set allowed_function_names only when function calling mode is ANY.")


def _check_schema(schema: Any, where: str) -> None:
    trouble = _schema_trouble(schema)
    if trouble:
        raise bad_request(f"* GenerateContentRequest.{where}.{trouble}")
    for name, child in (schema.get("properties") or {}).items():
        _check_schema(child, f"{where}.properties[{name}]")
    for k, child in enumerate(schema.get("anyOf") or []):
        _check_schema(child, f"{where}.any_of[{k}]")
    if schema.get("items"):
        _check_schema(schema["items"], f"{where}.items")


def _schema_trouble(schema: Any) -> str | None:
    kind = str(schema.get("type") or "").upper()
    if kind == "OBJECT" and "properties" in schema and not schema["properties"]:
        return "properties: should be non-empty for OBJECT type"
    if kind == "ARRAY" and "items" not in schema:
        return "items: missing field."
    if "enum" in schema and kind != "STRING":
        return "enum: only allowed for STRING type"
    if kind == "STRING" and schema.get("format") not in (None, "enum", "date-time"):
        return "format: only 'enum' and 'date-time' are supported for STRING type"
    for k, name in enumerate(schema.get("required") or []):
        if name not in (schema.get("properties") or {}):
            return f"required[{k}]: property is not defined"
    return None
