"""Requirement 27: a cache mark on any block is translated or reported, and the same request gives the same upstream bytes."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import aiohttp
import pytest

from tests.requirements.serving import BASES, MODELS, asked, in_front_of
from tests.upstreams import raw

MARK: dict[str, Any] = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


def turns(first: Any = "a", second: Any = "b", third: Any = "c") -> dict[str, Any]:
    roles = zip(("user", "assistant", "user"), (first, second, third), strict=True)
    return {"messages": [{"role": role, "content": content} for role, content in roles]}


def blocks(*, call: Any = None, result: Any = None, inside: Any = None) -> dict[str, Any]:
    """A tool loop in Anthropic's words, with more in one of its blocks."""
    text = {"type": "text", "text": "r", **(inside or {})}
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, **(call or {})}
    back = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [text], **(result or {})}
    return {"tools": [{"name": "f", "input_schema": NOTHING}], **turns("a", [use], [back])}


def calls(*, call: Any = None, result: Any = None, inside: Any = None) -> dict[str, Any]:
    """The same in OpenAI's."""
    function = {"name": "f", "arguments": "{}"}
    use = {"id": "call_1", "type": "function", "function": function, **(call or {})}
    said = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": None, "tool_calls": [use]},
        {
            "role": "tool",
            "tool_call_id": "call_1",
            "content": [{"type": "text", "text": "r", **(inside or {})}],
            **(result or {}),
        },
    ]
    return {"tools": [tool()], "messages": said}


def tool(*, inside: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": NOTHING, **(inside or {})}, **more}


TEXT = {"type": "text", "text": "t", **MARK}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}, **MARK}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "D"}, **MARK}
IMAGE_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}, **MARK}
PLACES: dict[str, dict[str, dict[str, Any]]] = {
    "anthropic": {
        "system": {"system": [TEXT]},
        "tool": {"tools": [{"name": "f", "input_schema": NOTHING, **MARK}]},
        "text": turns([TEXT]),
        "image": turns([IMAGE]),
        "document": turns([DOCUMENT]),
        "assistant": turns(second=[TEXT]),
        "call": blocks(call=MARK),
        "result": blocks(result=MARK),
        "text of a result": blocks(inside=MARK),
        "request": MARK,
    },
    "openai": {
        "system": {"messages": [{"role": "system", "content": [TEXT]}, {"role": "user", "content": "x"}]},
        "system message": {"messages": [{"role": "system", "content": "S", **MARK}, {"role": "user", "content": "x"}]},
        "tool": {"tools": [tool(**MARK)]},
        "function": {"tools": [tool(inside=MARK)]},
        "text": turns([TEXT]),
        "message": {"messages": [{"role": "user", "content": "x", **MARK}]},
        "image": turns([IMAGE_URL]),
        "assistant": turns(second=[TEXT]),
        "call": calls(call=MARK),
        "result": calls(result=MARK),
        "text of a result": calls(inside=MARK),
    },
}


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("caller", PLACES)
async def test_a_mark_is_translated_or_reported(client: aiohttp.ClientSession, caller: str, provider: str) -> None:
    async with in_front_of((provider, {})) as (here, simulator):
        for place, more in PLACES[caller].items():
            path, body = asked(caller, **more)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 200, (place, await reply.text())
                dropped = reply.headers.get("x-dragoman-dropped-params")
            assert simulator.call_log.last is not None
            sent = str(simulator.call_log.last["body"])
            if provider == "anthropic":
                assert (str(MARK["cache_control"]) in sent, dropped) == (True, None), place
            else:
                assert ("cache_control" in sent, dropped) == (False, "cache_control"), place


@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_cache_did_is_told(client: aiohttp.ClientSession, stream: bool) -> None:
    """Written the first time and read the second, in each caller's words."""
    async with in_front_of(("anthropic", {})) as (here, _):
        for caller in ("openai", "anthropic"):
            long = [{"type": "text", "text": f"{caller} {stream} {'words ' * 3000}", **MARK}]
            path, body = asked(caller, stream=stream, messages=[{"role": "user", "content": long}])
            if caller == "openai" and stream:
                body["stream_options"] = {"include_usage": True}
            for name in ("write", "read"):
                async with client.post(here + path, json=body) as reply:
                    text = await reply.text()
                told = {
                    ("openai", "write"): '"cache_creation_tokens":',
                    ("openai", "read"): '"cached_tokens":',
                    ("anthropic", "write"): '"cache_creation_input_tokens":',
                    ("anthropic", "read"): '"cache_read_input_tokens":',
                }[caller, name]
                counts = [int(part.lstrip().split(",")[0].rstrip("}")) for part in text.split(told)[1:]]
                assert max(counts, default=0) > 1000, (caller, name, text[-600:])


SCRIPT = """
import sys, dragoman
schema = {"type": "object", "properties": {c: {"enum": [c, 1, None]} for c in "zyxab"}, "required": ["z", "a"],
          "$defs": {"n": {"type": "integer"}}, "additionalProperties": False}
tools = [{"type": "function", "function": {"name": f"tool of many characters: {k} " + "x" * 80, "parameters": schema,
          "strict": True}} for k in "cab"]
call = [{"id": "call/1:é", "type": "function", "function": {"name": tools[0]["function"]["name"], "arguments": '{"z": 1.0}'}}]
image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
messages = [
    {"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "é"}, image]},
    {"role": "assistant", "content": "", "tool_calls": call},
    {"role": "tool", "tool_call_id": "call/1:é", "content": "r"}]
for stream in (False, True):
    for model, base in zip(sys.argv[1::2], sys.argv[2::2]):
        try:
            dragoman.completion(model, messages, tools=tools, stop=["b", "a"], metadata={"b": "1", "a": "2"}, user="u",
                                temperature=0.3, drop_params=True, stream=stream, api_base=base, api_key="k" * 9,
                                num_retries=0, response_format={"type": "json_schema", "json_schema": {
                                    "name": "n", "schema": schema}})
        except dragoman.APIError as error:
            assert error.status_code == 418, error
"""


async def test_the_same_request_gives_the_same_bytes_in_every_process() -> None:
    refuse = raw.serve(raw.answer(b"{}", status="418 Teapot"))
    async with raw.serving(refuse) as upstream:
        targets = [word for name in MODELS for word in (f"{name}/{MODELS[name]}", upstream.url + BASES[name])]
        bodies: list[list[tuple[str, bytes]]] = []
        for seed in ("1", "2", "3"):
            before = len(upstream.requests)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SCRIPT, *targets, env={**os.environ, "PYTHONHASHSEED": seed}
            )
            assert await process.wait() == 0
            sent = upstream.requests[before:]
            assert len(sent) == 2 * len(MODELS)
            bodies.append(sorted((request.target, request.body) for request in sent))
    assert bodies[0] == bodies[1] == bodies[2]
