"""The shapes of Gemini's requests. Names are camelCase here; the API takes snake_case too, see `to_camel_case`."""

from __future__ import annotations

import re
from typing import Any

from dragoman.simulator.shape_checks import Check, Path, anything, array, boolean, integer, number, one_of, record, text

__all__ = ["BATCH_EMBED", "COUNT", "EMBED", "GENERATE", "to_camel_case"]

_TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED")


def _type(value: Any, path: Path) -> None:
    text(value, path)
    one_of(*_TYPES)(value.upper(), path)


def _schema(value: Any, path: Path) -> None:
    """Check the part of OpenAPI's schema that `parameters` and `responseSchema` take."""
    _SCHEMA(value, path)


_INT64 = anything
_SCHEMA = record(
    {
        "type": _type,
        "format": text,
        "title": text,
        "description": text,
        "nullable": boolean,
        "enum": array(text),
        "maxItems": _INT64,
        "minItems": _INT64,
        "properties": record({}, rest=_schema),
        "required": array(text),
        "minProperties": _INT64,
        "maxProperties": _INT64,
        "minLength": _INT64,
        "maxLength": _INT64,
        "pattern": text,
        "example": anything,
        "anyOf": array(_schema),
        "propertyOrdering": array(text),
        "default": anything,
        "items": _schema,
        "minimum": number(),
        "maximum": number(),
    }
)
_BLOB = record({"mimeType!": text, "data!": text, "displayName": text})
_FILE = record({"mimeType": text, "fileUri!": text, "displayName": text})
_OPEN = record({}, rest=anything)
_PART = record(
    {
        "text": text,
        "thought": boolean,
        "thoughtSignature": text,
        "inlineData": _BLOB,
        "fileData": _FILE,
        "functionCall": record({"id": text, "name!": text, "args": _OPEN}),
        "functionResponse": record(
            {
                "id": text,
                "name!": text,
                "response!": _OPEN,
                "willContinue": boolean,
                "scheduling": text,
                "parts": array(record({"inlineData": _BLOB, "fileData": _FILE})),
            }
        ),
        "executableCode": record({"language!": text, "code!": text, "id": text}),
        "codeExecutionResult": record({"outcome!": text, "output": text, "id": text}),
        "videoMetadata": record({"startOffset": text, "endOffset": text, "fps": number()}),
        "mediaResolution": anything,
        "partMetadata": _OPEN,
        "toolCall": anything,
        "toolResponse": anything,
    }
)
_CONTENT = record({"role": text, "parts": array(_PART)})
_DECLARATION = record(
    {
        "name!": text,
        "description": text,
        "behavior": text,
        "parameters": _schema,
        "parametersJsonSchema": anything,
        "response": _schema,
        "responseJsonSchema": anything,
    }
)
_TOOL = record(
    {"functionDeclarations": array(_DECLARATION)}
    | {
        name: _OPEN
        for name in (
            "googleSearch",
            "googleSearchRetrieval",
            "codeExecution",
            "urlContext",
            "computerUse",
            "fileSearch",
            "googleMaps",
        )
    }
    | {"mcpServers": array(anything)}
)
_MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")
_TOOL_CONFIG = record(
    {
        "functionCallingConfig": record({"mode": one_of(*_MODES), "allowedFunctionNames": array(text)}),
        "retrievalConfig": anything,
        "includeServerSideToolInvocations": boolean,
    }
)
_LEVELS = ("THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH")


def _level(value: Any, path: Path) -> None:
    text(value, path)
    one_of(*_LEVELS)(value.upper(), path)


_GENERATION = record(
    {
        "stopSequences": array(text, maximum=5),
        "responseMimeType": text,
        "responseSchema": _schema,
        "responseJsonSchema": anything,
        "responseFormat": anything,
        "responseModalities": array(text),
        "candidateCount": integer(1, 8),
        "maxOutputTokens": integer(1),
        "temperature": number(0, 2),
        "topP": number(0, 1),
        "topK": number(1),
        "seed": integer(-(2**31), 2**31 - 1),
        "presencePenalty": number(-2, 2),
        "frequencyPenalty": number(-2, 2),
        "responseLogprobs": boolean,
        "logprobs": integer(0, 20),
        "enableEnhancedCivicAnswers": boolean,
        "speechConfig": anything,
        "imageConfig": anything,
        "mediaResolution": text,
        "thinkingConfig": record({"includeThoughts": boolean, "thinkingBudget": integer(-1), "thinkingLevel": _level}),
    }
)
_SAFETY = record({"category!": text, "threshold!": text, "method": text})
_GENERATE: dict[str, Check] = {
    "contents!": array(_CONTENT, minimum=1),
    "systemInstruction": _CONTENT,
    "tools": array(_TOOL),
    "toolConfig": _TOOL_CONFIG,
    "safetySettings": array(_SAFETY),
    "generationConfig": _GENERATION,
    "cachedContent": text,
    "model": text,
    "serviceTier": text,
    "store": boolean,
    "labels": record({}, rest=text),
}
GENERATE = record(_GENERATE)
COUNT = record({"contents": array(_CONTENT), "generateContentRequest": record(_GENERATE)})
_EMBED: dict[str, Check] = {
    "model": text,
    "content!": _CONTENT,
    "taskType": text,
    "title": text,
    "outputDimensionality": integer(1),
    "autoTruncate": boolean,
    "embedContentConfig": anything,
}
EMBED = record(_EMBED)
BATCH_EMBED = record({"requests!": array(record(_EMBED | {"model!": text}), minimum=1)})

_FREE = {
    "args",
    "response",
    "responseJsonSchema",
    "parametersJsonSchema",
    "labels",
    "partMetadata",
    "default",
    "example",
    "speechConfig",
}
_REPEATED = {"contents", "parts", "tools", "functionDeclarations", "safetySettings"}


def to_camel_case(node: Any, inside_properties: bool = False) -> Any:
    """Return `node` with the names of fields in camelCase; a caller's own data stays as it is."""
    if isinstance(node, list):
        return [to_camel_case(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if inside_properties:  # the names are those of a caller's parameters
        return {name: to_camel_case(value) for name, value in node.items()}
    names = {re.sub(r"_([a-z])", lambda match: match[1].upper(), name): name for name in node}
    return {camel: _converted(camel, node[name], node) for camel, name in names.items()}


def _converted(name: str, value: Any, node: dict[str, Any]) -> Any:
    is_data = name in _FREE and not (name == "response" and "functionDeclarations" in node)
    converted = value if is_data else to_camel_case(value, name == "properties")
    # Protobuf's JSON takes one message for a list of them.
    return [converted] if isinstance(converted, dict) and name in _REPEATED else converted
