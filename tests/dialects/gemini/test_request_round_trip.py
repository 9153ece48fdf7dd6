"""What recorded callers sent to Google, read and written back: equal, up to the defaults that the dialect lists."""

from __future__ import annotations

import re
import warnings
from typing import Any

import orjson
import pytest

from dragoman.dialects import gemini
from dragoman.dialects.codec import RequestHints, Target
from dragoman.errors import BadRequestError
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.gemini.exchange import canonical, normal, requests
from tests.recordings import Recording, pairs

_BEYOND_THE_TYPES = {"modelArmorConfig"}


def aim(body: dict[str, Any]) -> Target:
    """A target whose model takes what this request asks for."""
    thinking = normal(body).get("generationConfig", {}).get("thinkingConfig", {})
    reasoning: Any = "level" if "thinkingLevel" in thinking else "budget" if "thinkingBudget" in thinking else None
    media = b'"functionResponse"' in orjson.dumps(normal(body)) and b'"parts":[{"inlineData"' in orjson.dumps(
        normal(body)
    )
    facts = ModelFacts(reasoning=reasoning)
    if reasoning is None and (media or "parts" in str(_responses(body))):
        facts = ModelFacts(reasoning="level")
    return Target(provider="gemini", model="m", vendor="google", facts=facts, accent=gemini.VERTEX_AI)


def _responses(body: dict[str, Any]) -> list[Any]:
    parts = [part for content in normal(body)["contents"] for part in content.get("parts", [])]
    return [list(part["functionResponse"]) for part in parts if "functionResponse" in part]


def there_and_back(body: dict[str, Any]) -> dict[str, Any]:
    request = gemini.CODEC.read_request(body, RequestHints(model="m"))
    orjson.dumps(request)
    wire = gemini.CODEC.write_request(request, aim(body))
    assert wire.dropped == ()
    return wire.body


def comparable(body: dict[str, Any]) -> bytes:
    """The body without what the listed defaults change."""
    body = orjson.loads(orjson.dumps(normal(body)))
    for turn in body["contents"]:
        turn.setdefault("role", "user")
        for part in turn.get("parts", []):
            for name in ("functionCall", "functionResponse"):
                if str(part.get(name, {}).get("id", "")).startswith("call_") and len(part[name]["id"]) < 9:
                    del part[name]["id"]
            part.pop("thoughtSignature", None) if part.get("thoughtSignature", "").startswith("c2tpcF90") else None
    body["contents"] = _turns(body["contents"])
    instruction = body.pop("systemInstruction", None)
    if instruction:
        instruction.pop("role", None)
        parts = instruction["parts"] if isinstance(instruction["parts"], list) else [instruction["parts"]]
        body["systemInstruction"] = [part for part in parts if part != {"text": ""}]
    body["tools"] = _tools(body.pop("tools", []))
    config = body.pop("generationConfig", {})
    schema = config.pop("responseSchema", None) or config.pop("responseJsonSchema", None)
    if schema:
        config["schema"] = _schema(schema)
    if "thinkingLevel" in config.get("thinkingConfig", {}):
        config["thinkingConfig"]["thinkingLevel"] = config["thinkingConfig"]["thinkingLevel"].lower()
    body.update({f"config.{name}": value for name, value in config.items()})
    return canonical({name: value for name, value in body.items() if value})


def _turns(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one role as one, results of calls apart; neighbouring texts of the model as one."""
    turns: list[dict[str, Any]] = []
    kinds: list[str] = []
    for content in contents:
        for part in content.get("parts", []):
            kind = "results" if "functionResponse" in part else content["role"]
            if not kinds or kinds[-1] != kind:
                turns.append({"kind": kind, "parts": []})
                kinds.append(kind)
            parts = turns[-1]["parts"]
            if kind == "model" and part.keys() == {"text"} and parts and parts[-1].keys() == {"text"}:
                parts[-1] = {"text": parts[-1]["text"] + part["text"]}
            else:
                parts.append(part)
    return turns


def _tools(value: Any) -> list[Any]:
    functions: list[Any] = []
    others: list[Any] = []
    for tool in value if isinstance(value, list) else [value]:
        for name, definition in tool.items():
            if name == "functionDeclarations":
                functions.extend(_declaration(entry) for entry in definition)
            else:
                others.append({name: definition})
    return [*functions, *others]


def _declaration(declaration: dict[str, Any]) -> dict[str, Any]:
    result = {key: value for key, value in declaration.items() if value}
    schema = result.pop("parameters", None) or result.pop("parametersJsonSchema", None)
    if schema:
        result["schema"] = _schema(schema)
    return result


def _schema(schema: Any) -> Any:
    """Types in lower case, references followed, one word for alternatives, no words that say nothing."""
    return _spelled(schema, schema.get("$defs", {}))


def _spelled(node: Any, defs: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_spelled(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _spelled(defs[node["$ref"].rsplit("/", 1)[1]], defs)
    spelled: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            spelled[key] = {name: _spelled(item, defs) for name, item in value.items()}
        elif key == "type" and isinstance(value, str):
            spelled[key] = value.lower()
        elif key != "$defs" and not (key == "required" and not value):
            word = re.sub(r"_([a-z])", lambda match: match[1].upper(), key)
            spelled["anyOf" if word == "oneOf" else word] = _spelled(value, defs)
    return spelled


@pytest.mark.parametrize("recording", requests())
def test_a_recorded_request_comes_back(recording: Recording) -> None:
    body = recording.request_body
    written = there_and_back(body)
    assert comparable(written) == comparable(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = {name: value for name, value in written.items() if name not in _BEYOND_THE_TYPES}
        config = dict(known.get("generationConfig", {}))
        config.pop("imageConfig", None)  # the SDK's own type of it is elsewhere
        oracles.gemini_request({**known, **({"generationConfig": config} if config else {})})


@pytest.mark.parametrize("pair", pairs())
def test_a_paired_request_comes_back(pair: dict[str, Any]) -> None:
    recorded = pair["dialects"].get("google") or {}
    for name in ("request", "followup_request"):
        body = {key: value for key, value in (recorded.get(name) or {}).items() if key != "model"}
        if body:
            assert comparable(there_and_back(body)) == comparable(body)


@pytest.mark.parametrize("recording", requests())
def test_the_same_request_gives_the_same_bytes(recording: Recording) -> None:
    body = recording.request_body
    assert orjson.dumps(there_and_back(body)) == orjson.dumps(there_and_back(orjson.loads(orjson.dumps(body))))


def test_snake_case_and_camel_case_are_the_same() -> None:
    snake = {
        "contents": [
            {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"a_b": 1}}, "thought_signature": "c2ln"}]},
            {"parts": [{"function_response": {"name": "f", "response": {"c_d": 1}}}]},
            {"parts": [{"inline_data": {"mime_type": "image/png", "data": "AA-_"}}]},
        ],
        "system_instruction": {"parts": {"text": "s"}},
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_budget": 0}},
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "tools": {"function_declarations": {"name": "f", "parameters":
            {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}}}},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "cached_content": "cachedContents/c",
    }  # fmt: skip
    request = gemini.CODEC.read_request(snake, RequestHints(model="models/m", stream=True))
    assert request["model"] == "m"
    assert request["stream"] is True
    assert request["messages"][0] == {"role": "system", "content": "s"}
    call = request["messages"][1]["tool_calls"][0]
    assert call["function"] == {"name": "f", "arguments": '{"a_b":1}'}
    assert call["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert request["messages"][2]["tool_call_id"] == call["id"]
    assert request["messages"][3]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA+/"}}
    ]
    assert request["thinking"] == {"type": "disabled"}
    assert request["max_tokens"] == 5
    assert request["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert request["tools"][0]["function"]["parameters"] == {
        "type": "object",
        "properties": {"a_b": {"type": "string"}},
    }
    assert "vendor_params" not in request


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": 3}, "contents"),
        ({"contents": [3]}, "contents[0]"),
        ({"contents": [{"role": "robot", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"role": "user"}]}, "contents[0].parts"),
        ({"contents": [{"parts": []}]}, "contents[0].parts"),
        ({"contents": [{"parts": [{"text": "a"}]}, {"role": "function", "parts": None}]}, "contents[1].parts"),
        ({"contents": [{"parts": [{"text": 3}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"parts": [{}]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"inlineData": {"data": 3}}]}]}, "contents[0].parts[0].inlineData.data"),
        ({"contents": [{"role": "model", "parts": [{"functionCall": {"name": 3}}]}]}, "contents[0].parts[0].functionCall.name"),
        ({"contents": [{"parts": [{"functionResponse": {"response": []}}]}]}, "contents[0].parts[0].functionResponse.response"),
        ({"contents": "a", "generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"contents": "a", "generationConfig": {"thinkingConfig": {"thinkingLevel": "huge"}}},
         "generationConfig.thinkingConfig.thinkingLevel"),
        ({"contents": "a", "tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name"),
        ({"contents": "a", "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}}, "toolConfig.functionCallingConfig.mode"),
        ({"contents": "a", "safetySettings": [3]}, "safetySettings[0]"),
        ({"contents": "a", "systemInstruction": {"parts": [3]}}, "systemInstruction.parts[0]"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(body: dict[str, Any], path: str) -> None:

    with pytest.raises(BadRequestError) as caught:
        gemini.CODEC.read_request(body, RequestHints(model="m"))
    assert caught.value.param == path
    assert path in caught.value.message


def test_googles_schemas_become_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "nullable": True,
        "property_ordering": ["a"],
        "properties": {
            "a": {"type": "STRING", "nullable": True, "enum": ["x"], "min_length": "1", "maxLength": "5"},
            "b": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": 1},
            "c": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
            "d": {"ref": "#/defs/D"},
            "e": {"type": "TYPE_UNSPECIFIED", "additional_properties": {"type": ["STRING", "NULL"]}},
        },
        "defs": {"D": {"type": "BOOLEAN"}},
    }
    tools = [{"functionDeclarations": [{"name": "f", "parameters": schema}]}]
    request = gemini.CODEC.read_request({"contents": "a", "tools": tools}, RequestHints(model="m"))
    assert request["tools"][0]["function"]["parameters"] == {
        "type": ["object", "null"],
        "propertyOrdering": ["a"],
        "properties": {
            "a": {"type": ["string", "null"], "enum": ["x", None], "minLength": 1, "maxLength": 5},
            "b": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            "c": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
            "d": {"$ref": "#/defs/D"},
            "e": {"additionalProperties": {"type": ["string", "null"]}},
        },
        "$defs": {"D": {"type": "boolean"}},
    }


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"inlineData": {"mimeType": "audio/mp3", "data": "AA"}},
         {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}}),
        ({"inlineData": {"mimeType": "video/mp4", "data": "AA"}, "videoMetadata": {"startOffset": "1s", "fps": 2}},
         {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AA", "start_offset": "1s", "fps": 2}}),
        ({"inlineData": {"mimeType": "application/pdf", "data": "AA", "displayName": "a.pdf"}},
         {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}}),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, {"type": "video_url", "video_url": {"url": "https://youtu.be/x"}}),
        ({"fileData": {"fileUri": "gs://b/a.png"}, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
         {"type": "image_url", "image_url": {"url": "gs://b/a.png", "detail": "high"}}),
        ({"fileData": {"fileUri": "gs://b/a", "mimeType": "audio/wav", "displayName": "a"}},
         {"type": "file", "file": {"file_url": "gs://b/a", "format": "audio/wav", "filename": "a"}}),
        ({"text": "a", "partMetadata": {"k": 1}},
         {"type": "text", "text": "a", "extra_content": {"google": {"partMetadata": {"k": 1}}}}),
        ({"somethingNew": {"a_b": 1}}, {"type": "somethingNew", "vendor": "google", "somethingNew": {"a_b": 1}}),
    ],
)  # fmt: skip
def test_parts_of_the_user(part: dict[str, Any], expected: dict[str, Any]) -> None:
    body = {"contents": [{"role": "user", "parts": [part, {"text": "b"}]}]}
    request = gemini.CODEC.read_request(body, RequestHints(model="m"))
    content: Any = request["messages"][0]["content"]
    assert content[0] == expected
    target = Target("gemini", "m", "google", facts=ModelFacts(reasoning="level"))
    written = gemini.CODEC.write_request(request, target).body["contents"][0]["parts"][0]
    kept = {key: value for key, value in part.items() if key not in ("inlineData", "fileData")}
    assert {key: value for key, value in written.items() if key not in ("inlineData", "fileData")} == kept


def test_results_keep_their_words() -> None:
    def answer(response: Any, **more: Any) -> tuple[Any, Any]:
        body = {"contents": [
            {"role": "user", "parts": [{"text": "q"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": response, **more}}, {"text": "and"}]},
        ]}  # fmt: skip
        request = gemini.CODEC.read_request(body, RequestHints(model="m"))
        target = Target("gemini", "m", "google")
        part = gemini.CODEC.write_request(request, target).body["contents"][2]["parts"][0]["functionResponse"]
        assert part["response"] == response
        assert {key: part[key] for key in more} == more
        return request["messages"][2], request["messages"]

    message, messages = answer({"output": ["a"]})
    assert (message["content"], message["tool_call_id"]) == ('["a"]', messages[1]["tool_calls"][0]["id"])
    assert messages[3] == {"role": "user", "content": "and"}
    assert answer({"result": "sunny"})[0]["content"] == "sunny"
    assert answer({"result": '{"a": 1}'})[0]["content"] == '{"a": 1}'
    assert answer({"error": {"code": 1}})[0]["is_error"] is True
    assert answer({"a": 1, "b": 2})[0]["content"] == '{"a":1,"b":2}'
    assert answer({}, scheduling="SILENT")[0]["content"] == "{}"


def test_sound_that_was_said_before() -> None:
    def said(audio: dict[str, Any]) -> Any:
        messages: Any = [{"role": "user", "content": "q"}, {"role": "assistant", "content": None, "audio": audio}]
        return gemini.CODEC.write_request({"model": "m", "messages": messages}, Target("g", "m", "google")).body[
            "contents"
        ][1]

    assert said({"data": "AAAA", "format": "wav"})["parts"] == [
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}
    ]
    assert said({"id": "x", "transcript": "hello"})["parts"] == [{"text": "hello"}]
    with pytest.raises(BadRequestError):
        said({"id": "x"})
