"""Requirement 24: a schema is taken, or refused here by the keyword's path; answers, tool calls and results stay apart."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import jsonschema
import pytest

from tests.dialects.gemini.test_schemas import REFUSED, SAID, WEAKER
from tests.requirements.serving import CALLERS, MODELS, asked, events, in_front_of

CASES: list[Any] = [*SAID, *WEAKER, *REFUSED]
SCHEMAS: dict[str, Any] = {name: schema for name, schema, *_ in CASES}
NOT_PLAYED = {"bound that is a text", "items that accept nothing", "reference that is no text", "required recursion"}
"""The simulator cannot make an instance of these; they are refused here for Gemini, and OpenAI and Anthropic judge them."""
NOT_JUDGED = {
    "older tuple",
    "explosion",
    "property that must not be",
    "required and missing",
    *(case[0] for case in REFUSED),
}
"""Of an older draft, or no schemas at all."""
BEYOND_THE_SIMULATOR = (
    "allOf",
    "minProperties",
    "if",
    "dependentRequired",
    "contains",
    "oneOf",
    "not",
    "enum",
    "const",
)
"""Its instances do not look at these beside others."""
PATH = re.compile(r"(response_format\.json_schema\.schema|tools\[0\]\.function\.parameters)\S*: ")


def structured(caller: str, schema: Any) -> dict[str, Any]:
    if caller == "openai":
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    if caller == "anthropic":
        return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    return {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}}


def forced(caller: str, schema: Any, choice: bool = True) -> dict[str, Any]:
    """The schema is that of the arguments: an object, so others stand inside of one."""
    if schema.get("type") != "object":
        schema = {"type": "object", "properties": {"v": schema}, "required": ["v"], "$defs": schema.get("$defs", {})}
    tools: dict[str, tuple[Any, dict[str, Any]]] = {
        "openai": ({"type": "function", "function": {"name": "f", "parameters": schema}}, {"tool_choice": "required"}),
        "anthropic": ({"name": "f", "input_schema": schema}, {"tool_choice": {"type": "any"}}),
        "gemini": (
            {"functionDeclarations": [{"name": "f", "parametersJsonSchema": schema}]},
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        ),
    }
    tool, more = tools[caller]
    return {"tools": [tool], **(more if choice else {})}


def text_and_arguments(caller: str, body: Any) -> tuple[str, list[Any]]:
    if caller == "openai":
        message = body["choices"][0]["message"]
        calls = message.get("tool_calls") or []
        return message["content"] or "", [json.loads(call["function"]["arguments"]) for call in calls]
    if caller == "anthropic":
        blocks = body["content"]
        texts = "".join(block["text"] for block in blocks if block["type"] == "text")
        return texts, [block["input"] for block in blocks if block["type"] == "tool_use"]
    parts = body["candidates"][0]["content"]["parts"]
    texts = "".join(part.get("text", "") for part in parts)
    return texts, [part["functionCall"]["args"] for part in parts if "functionCall" in part]


def test_there_are_a_hundred() -> None:
    assert len(SCHEMAS) >= 100


def check_answer(name: str, schema: Any, given: Any) -> None:
    if any(word in str(schema) for word in BEYOND_THE_SIMULATOR) or name in NOT_JUDGED:
        return
    jsonschema.Draft202012Validator(schema).validate(given)


@pytest.mark.parametrize("form", ["structured", "arguments"])
@pytest.mark.parametrize(
    ("caller", "provider"), [(caller, provider) for caller in CALLERS for provider in MODELS if caller != provider]
)
async def test_every_schema(client: aiohttp.ClientSession, caller: str, provider: str, form: str) -> None:
    """The same dialect on both sides passes untouched, and is the provider's to judge."""
    taken = 0
    async with in_front_of((provider, {})) as (here, simulator):
        for name, schema in SCHEMAS.items():
            if not isinstance(schema, dict) or (name in NOT_PLAYED and provider != "gemini"):
                continue
            more = structured(caller, schema) if form == "structured" else forced(caller, schema)
            path, body = asked(caller, "JSON, please", **more)
            before = len(simulator.call_log.calls)
            async with client.post(here + path, json=body) as reply:
                answer = await reply.json()
            if reply.status == 200:
                taken += 1
                text, arguments = text_and_arguments(caller, answer)
                if reply.headers.get("x-dragoman-dropped-params"):
                    continue
                given = json.loads(text) if form == "structured" else arguments[0]
                wanted = schema if form == "structured" or schema.get("type") == "object" else None
                check_answer(name, schema, given if wanted or form == "structured" else given["v"])
            else:
                assert reply.status == 400, (name, answer)
                assert PATH.search(answer["error"]["message"]), (name, answer)
                assert len(simulator.call_log.calls) == before, "refused here, without asking"
    assert taken > (95 if provider != "gemini" else 80)


OBJECT = '{"b": 1.0, "a":   [0.1, null],\n "ü": "\\u00fc"}'
RESULTS = (
    '{"id": 12345678901234567890123, "price": 0.1234567890123456789}',
    '{"not": "json"',
    "[1.0,   2]",
    ' "text" ',
    "1.0",
)
"""What any reading and writing would change."""


def with_result(caller: str, text: str) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    histories: dict[str, list[Any]] = {
        "openai": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": text},
        ],
        "anthropic": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": text}]},
        ],
    }
    return {"messages": histories[caller], **forced(caller, {"type": "object"}, choice=False)}


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("caller", ["openai", "anthropic"])
async def test_a_tools_result_is_never_rewritten(client: aiohttp.ClientSession, caller: str, provider: str) -> None:
    async with in_front_of((provider, {})) as (here, simulator):
        for text in (*RESULTS, OBJECT):
            path, body = asked(caller, **with_result(caller, text))
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 200, await reply.text()
            assert simulator.call_log.last is not None
            sent = simulator.call_log.last["body"]
            if text == OBJECT and provider == "gemini":  # its results are objects
                assert sent["contents"][-1]["parts"][0]["functionResponse"]["response"] == json.loads(text)
            else:
                assert text in strings(sent)


def strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(strings, value.values()))
    if isinstance(value, list):
        return set().union(*map(strings, value))
    return {value} if isinstance(value, str) else set()


ANSWER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CITY = {"type": "object", "properties": {"of": {"type": "integer"}}, "required": ["of"], "additionalProperties": False}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", MODELS)
async def test_structured_output_beside_tools(client: aiohttp.ClientSession, provider: str, stream: bool) -> None:
    """First the tool is called, and only called; then the answer is content, and nothing is called."""
    more = {**structured("openai", ANSWER), **forced("openai", CITY, choice=False)}
    messages: list[Any] = [{"role": "user", "content": "As JSON, please. [[turns: 1x2]]"}]
    models = {**MODELS, "gemini": "gemini-3-pro-preview"}  # before it, the model chooses among the tool and the answer
    async with in_front_of((provider, {"model": models[provider]})) as (here, _):
        for turn in range(2):
            path, body = asked("openai", messages=messages, stream=stream, **more)
            async with client.post(here + path, json=body) as reply:
                text = await reply.text()
                assert reply.status == 200, text
            message, finish = streamed(text) if stream else whole(text)
            if turn == 0:
                assert finish == "tool_calls"
                assert {call["function"]["name"] for call in message["tool_calls"]} == {"f"}
                for call in message["tool_calls"]:
                    jsonschema.validate(json.loads(call["function"]["arguments"]), CITY)
                messages.append(message)
                messages += [
                    {"role": "tool", "tool_call_id": call["id"], "content": "7"} for call in message["tool_calls"]
                ]
            else:
                assert finish == "stop"
                assert not message.get("tool_calls")
                jsonschema.validate(json.loads(message["content"]), ANSWER)


def whole(text: str) -> tuple[dict[str, Any], str]:
    choice = json.loads(text)["choices"][0]
    return choice["message"], choice["finish_reason"]


def streamed(text: str) -> tuple[dict[str, Any], str]:
    calls: dict[int, Any] = {}
    content, finish = "", ""
    for event in events(text):
        for choice in event["choices"]:
            content += choice["delta"].get("content") or ""
            finish = choice["finish_reason"] or finish
            for piece in choice["delta"].get("tool_calls") or []:
                call = calls.setdefault(piece["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
                call["id"] = piece.get("id") or call["id"]
                for key, value in piece["function"].items():
                    call["function"][key] += value or ""
    return {"role": "assistant", "content": content or None, "tool_calls": list(calls.values())}, finish
