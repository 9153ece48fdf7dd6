"""The official SDKs, unchanged, through `dragoman serve`, to each provider: 3 x 3 x {plain, streamed} x {sync, async}."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from tests.matrix._answer import Answer, Asked, Caller
from tests.matrix.conftest import CALLERS, MODELS, Bench

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
    "required": ["city", "unit"],
    "additionalProperties": False,
}
CLOCK = {
    "type": "object",
    "properties": {"zone": {"type": "string"}, "offsets": {"type": "array", "items": {"type": "integer"}}},
    "required": ["zone", "offsets"],
    "additionalProperties": False,
}
TOOLS = {"get_weather": WEATHER, "get_time": CLOCK}
DONE = {"openai": "stop", "anthropic": "end_turn", "gemini": "STOP"}
WANTS_TOOLS = {"openai": "tool_calls", "anthropic": "tool_use", "gemini": "STOP"}

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    # google-genai's own asynchronous client does what aiohttp discourages.
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]
every_way = pytest.mark.parametrize("way", ["sync", "async"])
every_form = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
every_provider = pytest.mark.parametrize("provider", MODELS)
every_caller = pytest.mark.parametrize("caller", CALLERS)


def every_cell(test: Callable[..., Awaitable[None]]) -> Any:
    return every_caller(every_provider(every_form(every_way(test))))


async def said(way: str, caller: Caller, asked: Asked, messages: list[Any]) -> Answer:
    return await caller.ask_async(asked, messages) if way == "async" else caller.ask(asked, messages)


async def loop(way: str, caller: Caller, asked: Asked, prompt: str) -> tuple[list[Answer], list[str]]:
    """The conversation until no more tools are called, and what the tools gave."""
    messages = [caller.user(prompt)]
    answers: list[Answer] = []
    given: list[str] = []
    while True:
        answer = await said(way, caller, asked, messages)
        answers.append(answer)
        if not answer.calls:
            return answers, given
        texts = [f"{call.name}, {len(given) + k}: ✓ 21°" for k, call in enumerate(answer.calls)]
        given += [f"{call.name} -> {text}" for call, text in zip(answer.calls, texts, strict=True)]
        messages += [caller.assistant(answer), *caller.results(answer.calls, texts)]
        assert len(answers) < 12


@every_cell
async def test_text(bench: Bench, caller: str, provider: str, stream: bool, way: str) -> None:
    me = bench.caller(caller)
    text = 'Grüße, 世界 🌍 \\ "quoted"\u2028 & <tags>'
    answer = await said(way, me, Asked(provider, stream, system="Be brief."), [me.user(text)])
    assert answer.text == f"You said: {text}"
    assert answer.finish == DONE[caller]
    assert answer.tokens_in > 5
    assert answer.tokens_out > 5


@every_cell
async def test_tool_loop(bench: Bench, caller: str, provider: str, stream: bool, way: str) -> None:
    bench.reset()
    me = bench.caller(caller)
    answers, given = await loop(way, me, Asked(provider, stream, tools=TOOLS), "Go on. [[turns: 5x2]]")
    assert len(answers) == 6
    assert len(bench.calls()) == 6
    for answer in answers[:-1]:
        assert [call.name for call in answer.calls] in (["get_weather", "get_time"], ["get_time", "get_weather"])
        assert answer.finish == WANTS_TOOLS[caller]
        for call in answer.calls:
            if call.name == "get_weather":
                assert call.arguments["unit"] in ("celsius", "fahrenheit")
                assert call.arguments["city"]
            else:
                assert all(isinstance(offset, int) for offset in call.arguments["offsets"])
    assert answers[-1].text == "Results: " + "; ".join(given)
    assert answers[-1].finish == DONE[caller]
    if caller != "gemini":
        identities = [call.id for answer in answers for call in answer.calls]
        assert len(set(identities)) == 10


class Stop(BaseModel):
    model_config = ConfigDict(extra="forbid")
    place: str
    kind: Literal["museum", "café"]


class Trip(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    days: int
    price: float
    sure: bool
    stops: list[Stop]
    best: Stop | None


@every_cell
async def test_structured_output(bench: Bench, caller: str, provider: str, stream: bool, way: str) -> None:
    me = bench.caller(caller)
    asked = Asked(provider, stream, schema=Trip.model_json_schema())
    answer = await said(way, me, asked, [me.user("Plan a trip, as JSON.")])
    assert Trip.model_validate_json(answer.text).stops
    assert answer.finish == DONE[caller]
    assert not answer.calls


@every_cell
async def test_image(bench: Bench, caller: str, provider: str, stream: bool, way: str) -> None:
    me = bench.caller(caller)
    answer = await said(way, me, Asked(provider, stream), [me.user("What is this?", PNG)])
    assert answer.text == f"You said: What is this?\nI saw 1 image: image/png, {len(PNG)} bytes"


@every_cell
async def test_reasoning(bench: Bench, caller: str, provider: str, stream: bool, way: str) -> None:
    """The simulator verifies every signature that comes back, and refuses where one is missing."""
    me = bench.caller(caller)
    asked = Asked(provider, stream, tools=TOOLS, thinking=True)
    answers, given = await loop(way, me, asked, "Think. [[think: Hm — let me see.]] [[turns: 3x2]]")
    assert len(answers) == 4
    assert answers[-1].text == "Results: " + "; ".join(given)
    for answer in answers:
        assert answer.reasoning_tokens > 3
        assert answer.thoughts == ("" if provider == "openai" else "Hm — let me see.")
    _check_signatures_came_back(bench.last()["body"], provider)


def _check_signatures_came_back(body: dict[str, Any], provider: str) -> None:
    if provider == "anthropic":
        turns = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        assert [[block["type"] for block in turn if block["type"] != "text"] for turn in turns] == [
            ["thinking", "tool_use", "tool_use"]
        ] * 3
    elif provider == "gemini":
        turns = [content["parts"] for content in body["contents"] if content["role"] == "model"]
        signed = [[bool(part.get("thoughtSignature")) for part in turn if "functionCall" in part] for turn in turns]
        assert signed == [[True, False]] * 3
