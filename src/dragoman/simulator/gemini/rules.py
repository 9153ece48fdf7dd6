"""Check what Google demands of a request beyond the shape of its fields."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from dragoman.simulator.fields import list_in, object_in
from dragoman.simulator.gemini.errors import bad_request, snake_case
from dragoman.simulator.signatures import verify

__all__ = ["call_content", "check_rules", "declarations"]

_PASS = (
    "skip_thought_signature_validator",
    "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",  # the same in base64, as clients send bytes
    "context_engineering_is_the_way_to_go",
)
_DATA = ("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall",
         "toolResponse")  # fmt: skip
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")


def call_content(name: str, arguments: Any) -> str:
    """Return the content that the signature of a function call signs."""
    return f"{name} {json.dumps(arguments, sort_keys=True)}"


def check_rules(body: Any, model: str) -> None:
    """Raise Google's error for the first rule that a request breaks."""
    contents = body["contents"]
    for index, content in enumerate(contents):
        _check_content(content, index)
    _check_order(contents)
    _check_signatures(contents, model)
    _check_declarations(body)
    config = object_in(body, "generationConfig")
    _check_output(config, body, model)
    _check_thinking(object_in(config, "thinkingConfig"))


def _check_output(config: Any, body: Any, model: str) -> None:
    is_json = config.get("responseMimeType") in ("application/json", "text/x.enum")
    schemas = {"responseSchema", "responseJsonSchema"} & config.keys()
    if schemas and not is_json:
        raise bad_request(
            "* GenerateContentRequest.generation_config.response_schema: only allowed when `response_mime_type` is "
            "`application/json` or `text/x.enum`"
        )
    if len(schemas) > 1:
        raise bad_request("Only one of `response_schema` and `response_json_schema` may be set.")
    declares = any(tool.get("functionDeclarations") for tool in list_in(body, "tools"))
    if is_json and declares and model.startswith("gemini-2"):
        raise bad_request("Function calling with a response mime type: 'application/json' is unsupported")
    if "responseSchema" in config:
        _check_schema(config["responseSchema"], "generation_config.response_schema")


def _check_thinking(config: Any) -> None:
    if "thinkingBudget" in config and "thinkingLevel" in config:
        raise bad_request("You can only set only one of thinking budget and thinking level.")


def _check_content(content: Any, index: int) -> None:
    if content.get("role") not in (None, "user", "model", "function"):
        raise bad_request("Please use a valid role: user, model.")
    if not content.get("parts"):
        raise bad_request(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.")
    for k, part in enumerate(content["parts"]):
        data = [name for name in _DATA if name in part]
        where = f"GenerateContentRequest.contents[{index}].parts[{k}].data"
        if not data and not ({"thoughtSignature", "videoMetadata"} & part.keys()):
            raise bad_request(f"* {where}: required oneof field 'data' must have one initialized field")
        if len(data) > 1:
            names = " and ".join(snake_case(name) for name in data[:2])
            raise bad_request(
                f"Invalid value at 'contents[{index}].parts[{k}]' (oneof), oneof field 'data' is already set. Cannot set {names}."
            )


def _check_order(contents: list[Any]) -> None:
    """Check that function responses follow their calls at once, as many as there are calls."""
    waiting, role_before = 0, "model"
    for content in contents:
        calls = sum("functionCall" in part for part in content["parts"])
        _check_responses(sum("functionResponse" in part for part in content["parts"]), waiting)
        if calls and (content.get("role") != "model" or role_before == "model"):
            raise bad_request(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
            )
        waiting, role_before = calls, content.get("role")
    _check_responses(0, waiting)


def _check_responses(responses: int, waiting: int) -> None:
    if responses and not waiting:
        raise bad_request("Please ensure that function response turn comes immediately after a function call turn.")
    if responses != waiting:
        raise bad_request(
            "Please ensure that the number of function response parts is equal to the number of function call parts of the "
            "function call turn."
        )


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
    """Check that the first call of each step of the current turn has its signature, as Gemini 3 demands."""
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
    names: set[str] = set()
    for where, declaration in declarations(body):
        name = declaration["name"]
        _check_declaration(declaration, where)
        if name in names:
            raise bad_request(f"Duplicate function declaration found: {name}")
        names.add(name)
    calling = object_in(object_in(body, "toolConfig"), "functionCallingConfig")
    if calling.get("allowedFunctionNames") and calling.get("mode") not in ("ANY", "VALIDATED"):
        raise bad_request("Please set allowed_function_names only when function calling mode is ANY.")


def declarations(body: Any) -> Iterator[tuple[str, Any]]:
    """Yield (path, declaration) for each function that a request declares."""
    for t, tool in enumerate(list_in(body, "tools")):
        for k, declaration in enumerate(list_in(tool, "functionDeclarations")):
            yield f"tools[{t}].function_declarations[{k}]", declaration


def _check_declaration(declaration: Any, where: str) -> None:
    if not _NAME.fullmatch(declaration["name"]):
        raise bad_request(
            f"* GenerateContentRequest.{where}.name: [Invalid function name. Must start with a letter or an underscore. Must be "
            "alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.]"
        )
    if "parameters" in declaration and "parametersJsonSchema" in declaration:
        raise bad_request(f"{where}: only one of `parameters` and `parameters_json_schema` may be set.")
    if declaration.get("parameters"):
        _check_schema(declaration["parameters"], f"{where}.parameters")


def _check_schema(schema: Any, where: str) -> None:
    kind = str(schema.get("type") or "").upper()
    for is_broken, message in _SCHEMA_RULES:
        if is_broken(kind, schema):
            raise bad_request(f"* GenerateContentRequest.{where}.{message}")
    for k, name in enumerate(list_in(schema, "required")):
        if name not in object_in(schema, "properties"):
            raise bad_request(f"* GenerateContentRequest.{where}.required[{k}]: property is not defined")
    for name, child in object_in(schema, "properties").items():
        _check_schema(child, f"{where}.properties[{name}]")
    for k, child in enumerate(list_in(schema, "anyOf")):
        _check_schema(child, f"{where}.any_of[{k}]")
    if schema.get("items"):
        _check_schema(schema["items"], f"{where}.items")


_SCHEMA_RULES: tuple[tuple[Callable[[str, Any], bool], str], ...] = (
    (
        lambda kind, schema: kind == "OBJECT" and schema.get("properties", True) in ({}, None),
        "properties: should be non-empty for OBJECT type",
    ),
    (lambda kind, schema: kind == "ARRAY" and "items" not in schema, "items: missing field."),
    (lambda kind, schema: kind != "STRING" and "enum" in schema, "enum: only allowed for STRING type"),
    (
        lambda kind, schema: kind == "STRING" and schema.get("format") not in (None, "enum", "date-time"),
        "format: only 'enum' and 'date-time' are supported for STRING type",
    ),
)
"""(whether a schema of a type breaks the rule, the message)."""
