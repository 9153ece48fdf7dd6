"""Bodies that are not valid in their dialect get that provider's refusal, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.running import ask

HELLO = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


def openai(**changes: Any) -> dict[str, Any]:
    return {"model": "sim", "messages": [HELLO]} | changes


def strictly(schema: dict[str, Any]) -> dict[str, Any]:
    return openai(
        response_format={"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}
    )


OPENAI = [
    ({"model": "sim"}, "Missing required parameter: 'messages'.", "messages"),
    (openai(messages=[]), "Invalid 'messages': empty array.", "messages"),
    (openai(foo=1), "Unrecognized request argument supplied: foo", None),
    (openai(messages="x"), "Invalid type for 'messages': expected an array, but got a string instead.", "messages"),
    (
        openai(messages=[{"role": "user", "content": 7}]),
        "Invalid type for 'messages[0].content': expected one of a string or an array, but got an integer instead.",
        "messages[0].content",
    ),
    (
        openai(messages=[{"role": "robot", "content": "x"}]),
        "Invalid value: 'robot'. Supported values are:",
        "messages[0]",
    ),
    (
        openai(temperature=3),
        "Invalid 'temperature': integer above maximum value. Expected a value <= 2, but got 3",
        "temperature",
    ),
    (openai(stop=list("abcde")), "Invalid 'stop': array too long. Expected an array with maximum length 4", "stop"),
    (openai(tool_choice="auto"), "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"),
    (
        openai(stream_options={}),
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
    ),
    (openai(tools=[]), "Invalid 'tools': empty array.", "tools"),
    (
        openai(tools=[{"type": "function", "function": {"name": "a b"}}]),
        "Invalid 'tools[0].function.name': string does not match pattern.",
        "tools[0].function.name",
    ),
    (
        openai(tools=[{"type": "function", "function": {"name": "a" * 65}}]),
        "Invalid 'tools[0].function.name': string too long.",
        "tools[0].function.name",
    ),
    (
        openai(messages=[HELLO, {"role": "tool", "content": "x", "tool_call_id": "y"}]),
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        "messages.[1].role",
    ),
    (
        openai(messages=[HELLO, {"role": "assistant", "tool_calls": [CALL]}, HELLO]),
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        "The following tool_call_ids did not have response messages: call_1",
        "messages.[2].role",
    ),
    (
        strictly({"type": "object", "properties": {}}),
        "Invalid schema for response_format 'n': In context=(), ",
        "response_format",
    ),
    (
        strictly({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}),
        "Invalid schema for response_format 'n': In context=(), 'required' is required to be supplied and to be an array "
        "including every key in properties. Missing 'a'.",
        "response_format",
    ),
    (
        openai(response_format={"type": "json_object"}),
        "'messages' must contain the word 'json' in some form",
        "messages",
    ),
    (
        openai(model="o3", max_tokens=5),
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "max_tokens",
    ),
    (
        openai(
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}}]}
            ]
        ),
        "Invalid base64 data in messages[0].content[0]",
        "messages[0].content[0]",
    ),
    (b"{", "We could not parse the JSON body of your request.", None),
]


@pytest.mark.parametrize(("body", "message", "param"), OPENAI, ids=lambda value: str(value)[:40])
def test_openai(simulator: str, body: Any, message: str, param: str | None) -> None:
    reply = ask(f"{simulator}/v1/chat/completions", body)
    assert reply.status == 400
    error = reply.json["error"]
    assert error["message"].startswith(message)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param


def claude(**changes: Any) -> dict[str, Any]:
    return {"model": "sim", "max_tokens": 2000, "messages": [HELLO]} | changes


USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}
CLAUDE_TOOL = {"name": "f", "input_schema": {"type": "object"}}
THINKING = {"type": "enabled", "budget_tokens": 1024}
FORGED = {"type": "thinking", "thinking": "Hm.", "signature": "Zm9yZ2Vk"}
ANTHROPIC = [
    ({"model": "sim", "messages": [HELLO]}, "max_tokens: Field required"),
    (claude(foo=1), "foo: Extra inputs are not permitted"),
    (claude(messages=[]), "messages: at least one message is required"),
    (claude(messages=[{"role": "assistant", "content": "x"}]), 'messages: first message must use the "user" role'),
    (claude(messages=[{"role": "robot", "content": "x"}]), "messages.0.role: Input should be 'user' or 'assistant'"),
    (claude(messages=[{"role": "user", "content": ""}]), "messages.0: all messages must have non-empty content"),
    (
        claude(messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}]),
        "messages: text content blocks must be",
    ),
    (claude(messages=[{"role": "user", "content": [{"type": "text"}]}]), "messages.0.content.0.text: Field required"),
    (
        claude(messages=[{"role": "user", "content": [{"type": "foo"}]}]),
        "messages.0.content.0: Input tag 'foo' found using 'type'",
    ),
    (
        claude(messages=[HELLO, {"role": "assistant", "content": [USE]}, HELLO]),
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each `tool_use` block must",
    ),
    (
        claude(messages=[HELLO, {"role": "assistant", "content": "x"}, {"role": "user", "content": [RESULT]}]),
        "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1.",
    ),
    (
        claude(tools=[{"name": "a b", "input_schema": {"type": "object"}}]),
        "tools.0.custom.name: String should match pattern",
    ),
    (claude(tools=[{"name": "a", "input_schema": {}}]), "tools.0.custom.input_schema.type: Field required"),
    (claude(tool_choice={"type": "auto"}), "tool_choice: tool_choice may only be specified while providing tools."),
    (claude(temperature=1.5), "temperature: Input should be less than or equal to 1"),
    (
        claude(thinking={"type": "enabled", "budget_tokens": 5}),
        "thinking.budget_tokens: Input should be greater than or",
    ),
    (claude(thinking=THINKING, max_tokens=1024), "`max_tokens` must be greater than `thinking.budget_tokens`."),
    (claude(thinking=THINKING, temperature=0), "`temperature` may only be set to 1 when thinking is enabled."),
    (
        claude(thinking=THINKING, tools=[CLAUDE_TOOL], tool_choice={"type": "any"}),
        "Thinking may not be enabled when tool_choice forces tool use.",
    ),
    (
        claude(messages=[HELLO, {"role": "assistant", "content": [FORGED, {"type": "text", "text": "x"}]}, HELLO]),
        "messages.1.content.0: Invalid `signature` in `thinking` block",
    ),
    (
        claude(
            thinking=THINKING,
            messages=[HELLO, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}],
        ),
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
    ),
    (
        claude(system=[{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * 5),
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        claude(output_config={"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}),
        "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
    ),
]


@pytest.mark.parametrize(("body", "message"), ANTHROPIC, ids=lambda value: str(value)[:40])
def test_anthropic(simulator: str, body: Any, message: str) -> None:
    reply = ask(f"{simulator}/v1/messages", body)
    assert reply.status == 400
    assert reply.json["type"] == "error"
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert reply.json["error"]["message"].startswith(message)


def gemini(*contents: Any, **changes: Any) -> dict[str, Any]:
    return {"contents": list(contents) or [{"role": "user", "parts": [{"text": "Hello"}]}]} | changes


ASK = {"role": "user", "parts": [{"text": "Hello"}]}
FUNCTION = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
ANSWER = {"functionResponse": {"name": "f", "response": {"output": "x"}}}


def declared(parameters: Any) -> dict[str, Any]:
    return gemini(tools=[{"functionDeclarations": [{"name": "f", "parameters": parameters}]}])


GEMINI = [
    ({}, "* GenerateContentRequest.contents: contents is not specified"),
    (gemini(foo=1), 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
    (
        gemini(generationConfig={"thinkingConfig": {"foo": 1}}),
        "Invalid JSON payload received. Unknown name \"foo\" at 'generation_config.thinking_config': Cannot find field.",
    ),
    (gemini({"role": "assistant", "parts": [{"text": "x"}]}), "Please use a valid role: user, model."),
    (
        gemini({"role": "user", "parts": []}),
        "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.",
    ),
    (
        gemini({"role": "user", "parts": [{}]}),
        "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data'",
    ),
    (
        declared({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}),
        "Invalid JSON payload received. Unknown name \"$ref\" at 'tools[0].function_declarations[0].parameters.properties.a'",
    ),
    (
        declared({"type": "object", "additionalProperties": False}),
        "Invalid JSON payload received. Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters'",
    ),
    (
        declared({"type": ["string", "null"]}),
        "Invalid JSON payload received. Unknown name \"type\" at 'tools[0].function_declarations[0].parameters': Proto field",
    ),
    (
        declared({"type": "object", "properties": {}}),
        "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty for OBJECT type",
    ),
    (
        gemini(tools=[{"functionDeclarations": [{"name": "1f"}]}]),
        "* GenerateContentRequest.tools[0].function_declarations[0].name:",
    ),
    (
        gemini(ASK, FUNCTION, {"role": "user", "parts": [ANSWER, ANSWER]}),
        "Please ensure that the number of function response parts is equal to the number of function call parts",
    ),
    (
        gemini(ASK, {"role": "user", "parts": [ANSWER]}),
        "Please ensure that function response turn comes immediately after a function call turn.",
    ),
    (
        gemini(FUNCTION, {"role": "user", "parts": [ANSWER]}),
        "Please ensure that function call turn comes immediately after a user turn",
    ),
    (
        gemini(generationConfig={"responseSchema": {"type": "STRING"}}),
        "* GenerateContentRequest.generation_config.response_schema: only allowed when",
    ),
    (gemini({"role": "model", "parts": [{"text": "x", "thoughtSignature": "Zm9v"}]}), "Corrupted thought signature."),
]


@pytest.mark.parametrize(("body", "message"), GEMINI, ids=lambda value: str(value)[:40])
def test_gemini(simulator: str, body: Any, message: str) -> None:
    reply = ask(f"{simulator}/v1beta/models/sim:generateContent", body)
    assert reply.status == 400
    assert reply.json["error"]["status"] == "INVALID_ARGUMENT"
    assert reply.json["error"]["message"].startswith(message)


def test_gemini_3_misses_the_signature_of_a_call(simulator: str) -> None:
    body = gemini(ASK, FUNCTION, {"role": "user", "parts": [ANSWER]})
    reply = ask(f"{simulator}/v1beta/models/gemini-3-pro-preview:generateContent", body)
    assert reply.json["error"]["message"].startswith(
        "Function call is missing a thought_signature in functionCall parts."
    )
    assert ask(f"{simulator}/v1beta/models/gemini-2.5-flash:generateContent", body).status == 200


@pytest.mark.parametrize(
    ("path", "header", "missing", "bad"),
    [
        ("/v1/chat/completions", "authorization", 401, 401),
        ("/v1/messages", "x-api-key", 401, 401),
        ("/v1beta/models/sim:generateContent", "x-goog-api-key", 403, 400),
    ],
)
def test_keys(simulator: str, path: str, header: str, missing: int, bad: int) -> None:
    none = {"authorization": "", "x-api-key": "", "x-goog-api-key": ""}
    prefix = "Bearer " if header == "authorization" else ""
    body = claude() if "messages" in path else openai()
    assert ask(simulator + path, body, none).status == missing
    refused = ask(simulator + path, body, none | {header: f"{prefix}sim-bad-key"})
    assert refused.status == bad
    assert ("sim-bad-key" in refused.json["error"]["message"]) == (header == "authorization")
