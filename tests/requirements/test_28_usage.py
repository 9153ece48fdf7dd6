"""Requirement 28: usage comes in exactly one last chunk, and only when asked for; every end is of the closed set."""

from __future__ import annotations

import itertools
import typing
from typing import Any

import aiohttp
import pytest

from dragoman.types.chat import FinishReason
from tests.requirements.serving import CALLERS, MODELS, asked, events, in_front_of

SAID = ["Hello", "[[finish: length]]", "[[finish: filter]]", "[[refuse: no]]", "Go [[turns: 1x2]]"]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
OPENAI = set(typing.get_args(FinishReason))
ANTHROPIC = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
}


@pytest.mark.parametrize("provider", MODELS)
async def test_openais_callers(client: aiohttp.ClientSession, provider: str) -> None:
    async with in_front_of((provider, {})) as (here, _):
        for options, text in itertools.product((None, {}, {"include_usage": False}, {"include_usage": True}), SAID):
            more: dict[str, Any] = {} if options is None else {"stream_options": options}
            path, body = asked("openai", text, stream=True, tools=[TOOL], **more)
            async with client.post(here + path, json=body) as reply:
                found = events(await reply.text())
                assert reply.status == 200
            with_usage = [event for event in found if event.get("usage")]
            if options and options.get("include_usage"):
                assert with_usage == [found[-1]]
                assert found[-1]["choices"] == []
                usage = found[-1]["usage"]
                assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
            else:
                assert not with_usage
                assert all(event["choices"] for event in found)
            ends = [c["finish_reason"] for event in found for c in event["choices"] if c["finish_reason"]]
            assert len(ends) == 1
            assert ends[0] in OPENAI


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("stream", [False, True])
async def test_other_callers_are_always_told(client: aiohttp.ClientSession, provider: str, stream: bool) -> None:
    async with in_front_of((provider, {})) as (here, _):
        for caller, text in itertools.product(CALLERS[1:], SAID[:4]):
            path, body = asked(caller, text, stream=stream)
            async with client.post(here + path, json=body) as reply:
                found = events(await reply.text()) if stream else [await reply.json()]
                assert reply.status == 200
            if caller == "anthropic":
                last: Any = found[-2] if stream else found[0]
                assert last["usage"]["output_tokens"] > 0
                assert (last["delta"] if stream else last)["stop_reason"] in ANTHROPIC
            else:
                assert found[-1]["usageMetadata"]["totalTokenCount"] > 0
                ends = [c["finishReason"] for event in found for c in event["candidates"] if c.get("finishReason")]
                assert len(ends) == 1


@pytest.mark.parametrize("provider", MODELS)
async def test_streamed_and_whole_usage_agree(client: aiohttp.ClientSession, provider: str) -> None:
    async with in_front_of((provider, {})) as (here, _):
        path, body = asked("openai", "[[words: 40]]")
        async with client.post(here + path, json=body) as reply:
            whole = (await reply.json())["usage"]
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        async with client.post(here + path, json=body) as reply:
            streamed = events(await reply.text())[-1]["usage"]
    assert [streamed[key] for key in ("prompt_tokens", "completion_tokens")] == [
        whole[key] for key in ("prompt_tokens", "completion_tokens")
    ]
