"""Streams that break off after their first content: an error by default, or another deployment that goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from dragoman import errors
from dragoman.errors import ConfigError
from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded, Event, FallbackStarted, HedgeLost, StreamResumed
from dragoman.routing import Call, CallOptions, CallRouter, Source, StreamAnswer
from dragoman.routing.recovery.resume import is_resumable
from dragoman.routing.settings.hedge import HedgePolicy
from dragoman.routing.settings.mid_stream import mid_stream_fallback
from dragoman.types.operations import CHAT
from tests.routing.test_router import HELLO, Make, chat
from tests.routing.upstream import Upstream, soon

CLAUDE = "claude-sonnet-4-5"
GO_ON = {"mid_stream_fallback": "continue"}
PRICED = {"prices": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}
BREAKS = [("openai", "sim[cut=5]"), ("anthropic", "sim[error-after=5]"), ("gemini", "sim[cut=1]")]


def two(upstream: Upstream, provider: str, model: str, second: str = CLAUDE, **more: Any) -> list[Any]:
    return [
        upstream.deployment("smart", model, provider=provider, **more),
        upstream.deployment("smart", second, number=1, provider="anthropic", **more),
    ]


def claude(upstream: Upstream, faults: str, **options: Any) -> Any:
    """The second one. Its model's name must be a real one: only of such it is known that they go on."""
    options["extra_headers"] = {"x-simulate": faults}
    return upstream.deployment("smart", CLAUDE, number=1, provider="anthropic", options=options)


async def read(router: CallRouter, call: Call) -> tuple[StreamAnswer, list[Any]]:
    answer = await router.answer(call)
    assert isinstance(answer, StreamAnswer)
    return answer, [chunk async for batch in answer.batches for chunk in batch]


def said(chunks: list[Any]) -> list[str]:
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    return [delta["content"] for delta in deltas if delta.get("content")]


async def broken(router: CallRouter, call: Call) -> tuple[errors.APIError, list[Any]]:
    """The error, and the chunks before it."""
    answer = await router.answer(call)
    assert isinstance(answer, StreamAnswer)
    chunks: list[Any] = []

    async def collect() -> None:
        async for batch in answer.batches:
            chunks.extend(batch)

    with pytest.raises(errors.APIError) as caught:
        await collect()
    return caught.value, chunks


async def at_rest(router: CallRouter) -> None:
    await soon(lambda: not router.store.view().in_flight)


@pytest.mark.parametrize(("provider", "model"), BREAKS)
async def test_another_deployment_goes_on(upstream: Upstream, make: Make, provider: str, model: str) -> None:
    heard: list[Event] = []
    router = make(*two(upstream, provider, model, options=PRICED), settings=GO_ON, listeners=(heard.append,))
    answer, chunks = await read(router, chat("smart", stream=True))
    sent = upstream.last["body"]["messages"]
    before = sent[-1]["content"] if isinstance(sent[-1]["content"], str) else sent[-1]["content"][0]["text"]
    text = "".join(said(chunks))
    assert sent[-1]["role"] == "assistant"
    assert before
    assert text.startswith(before)
    assert text.removeprefix(before) == "You said: Hello"
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1
    assert [chunk["choices"][0]["delta"].get("role") for chunk in chunks if chunk["choices"]].count("assistant") == 1
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]][-1] == "stop"
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "smart:1"]
    assert answer.attempts[0].error is not None
    assert answer.attempts[1].error is None
    first, whole = heard[-2], heard[-1]
    assert isinstance(first, StreamResumed)
    assert isinstance(whole, CallSucceeded)
    assert first.usage is not None
    assert first.usage["prompt_tokens"] > 0
    assert first.usage["completion_tokens"] > 0
    assert whole.record.usage == answer.usage == chunks[-1]["usage"]
    assert whole.record.usage is not None
    assert whole.record.usage["completion_tokens"] > first.usage["completion_tokens"]
    assert whole.record.cost == answer.cost
    assert first.cost is not None
    assert whole.record.cost is not None
    assert whole.record.cost.total is not None
    assert (
        whole.record.cost.total
        == whole.record.usage["prompt_tokens"] * 1000 + whole.record.usage["completion_tokens"] * 2000
    )
    assert sum(line.amount for line in whole.record.cost.lines) == whole.record.cost.total
    assert whole.record.cost.lines[: len(first.cost.lines)] == first.cost.lines
    await at_rest(router)


async def test_by_default_it_is_an_error(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    router = make(*two(upstream, "openai", "sim[cut=5]"), listeners=(heard.append,))
    error, chunks = await broken(router, chat("smart", stream=True))
    assert said(chunks)
    assert len(upstream.calls) == 1 == len(error.attempts)
    assert [type(event) for event in heard] == [AttemptEnded, CallFailed]


@pytest.mark.parametrize(
    "request_",
    [
        {"n": 2},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "json"}]},
        {"reasoning_effort": "low"},
        {"tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
    ],
)
async def test_what_two_cannot_write_is_an_error(upstream: Upstream, make: Make, request_: dict[str, Any]) -> None:
    router = make(*two(upstream, "openai", "sim[cut=3]"), settings=GO_ON)
    await broken(router, chat("smart", stream=True, request=request_))
    assert len(upstream.calls) == 1
    assert not is_resumable(request_)


async def test_nobody_goes_on_inside_of_a_tool_call(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    request = {"tools": [tool], "messages": [{"role": "user", "content": "Go [[tools: look {}]]"}]}
    router = make(*two(upstream, "openai", "sim[cut=3]"), settings=GO_ON, listeners=(heard.append,))
    _, chunks = await broken(router, chat("smart", stream=True, request=request))
    assert any(chunk["choices"] and chunk["choices"][0]["delta"].get("tool_calls") for chunk in chunks)
    assert len(upstream.calls) == 1
    assert isinstance(heard[-1], CallFailed)


@pytest.mark.parametrize("second", ["claude-opus-4-6", "claude-sonnet-4-6"])
async def test_only_a_model_that_continues_is_asked(upstream: Upstream, make: Make, second: str) -> None:
    heard: list[Event] = []
    router = make(*two(upstream, "openai", "sim[cut=5]", second), settings=GO_ON, listeners=(heard.append,))
    error, _ = await broken(router, chat("smart", stream=True))
    assert len(upstream.calls) == 1
    assert [attempt.error for attempt in error.attempts] == ["APIConnectionError"]
    assert [type(event) for event in heard] == [AttemptEnded, CallFailed]
    await at_rest(router)


async def test_a_fallback_goes_on(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    router = make(
        upstream.deployment("smart", "sim[cut=5]"),
        upstream.deployment("no", "sim"),
        upstream.deployment("backup", CLAUDE, provider="anthropic"),
        settings={"fallbacks": {"smart": ("no", "backup")}, "num_retries": 0, **GO_ON},
        listeners=(heard.append,),
    )
    answer, chunks = await read(router, chat("smart", stream=True))
    assert "Hello" in "".join(said(chunks))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "backup:0"]
    assert [type(event) for event in heard] == [
        AttemptEnded,
        FallbackStarted,
        FallbackStarted,
        AttemptEnded,
        StreamResumed,
        CallSucceeded,
    ]
    assert answer.provider == "openai"
    assert len(upstream.calls) == 2


async def test_it_may_break_off_twice(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    three = [
        upstream.deployment("smart", "sim[cut=5]"),
        claude(upstream, "cut=5"),
        upstream.deployment("smart", CLAUDE, provider="anthropic", number=2),
    ]
    router = make(*three, settings=GO_ON, listeners=(heard.append,))
    answer, chunks = await read(router, chat("smart", stream=True))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "smart:1", "smart:2"]
    assert [type(event) for event in heard if not isinstance(event, AttemptEnded)] == [
        StreamResumed,
        StreamResumed,
        CallSucceeded,
    ]
    parts = [event.usage for event in heard if isinstance(event, StreamResumed)]
    assert answer.usage is not None
    assert answer.usage["completion_tokens"] > sum(part["completion_tokens"] for part in parts if part)
    assert len({chunk["id"] for chunk in chunks}) == 1
    await at_rest(router)


async def test_the_last_one_may_break_off_too(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    router = make(
        upstream.deployment("smart", "sim[cut=5]", options=PRICED),
        claude(upstream, "cut=5", **PRICED),
        settings=GO_ON,
        listeners=(heard.append,),
    )
    error, _ = await broken(router, chat("smart", stream=True))
    assert [attempt.deployment for attempt in error.attempts] == ["smart:0", "smart:1"]
    first, last = heard[-2], heard[-1]
    assert isinstance(first, StreamResumed)
    assert isinstance(last, CallFailed)
    assert last.record.usage == first.record.usage
    assert last.record.cost == first.record.cost
    await at_rest(router)


async def test_a_caller_who_leaves_meanwhile_leaves_nothing_behind(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    router = make(
        upstream.deployment("smart", "sim[cut=5]"), claude(upstream, "hang"), settings=GO_ON, listeners=(heard.append,)
    )
    task = asyncio.create_task(read(router, chat("smart", stream=True)))
    await soon(lambda: len(upstream.calls) == 2)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await soon(lambda: upstream.calls[1].closed_early)
    await at_rest(router)
    assert [type(event) for event in heard] == [AttemptEnded, AttemptEnded, CallFailed]


async def test_the_limit_of_tokens_is_one_for_both(upstream: Upstream, make: Make) -> None:
    router = make(*two(upstream, "openai", "sim[cut=5]"), settings=GO_ON)
    await read(router, chat("smart", stream=True, request={"max_tokens": 100}))
    assert 0 < upstream.last["body"]["max_tokens"] < 100


async def test_the_callers_own_body_goes_another_way(upstream: Upstream, make: Make) -> None:
    """Passed through untouched, nothing could be put behind it."""
    body = {"model": "smart", "messages": HELLO, "stream": True, "max_tokens": 100}
    source = Source("anthropic_messages", body, orjson.dumps(body))
    call = Call(operation=CHAT, model="smart", request=body, stream=True, source=source)
    router = make(*two(upstream, "anthropic", "sim[cut=5]"))
    untouched = await router.answer(call)
    assert isinstance(untouched, StreamAnswer)
    assert untouched.native
    await untouched.aclose()
    call.options = CallOptions(mid_stream_fallback="continue")
    answer, chunks = await read(router, call)
    assert not answer.native
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "smart:1"]
    assert "Hello" in "".join(said(chunks))


async def test_a_hedged_stream_goes_on_too(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    three = [
        upstream.deployment("smart", "sim[slow-first=9]"),
        upstream.deployment("smart", "sim[cut=5]", number=1),
        upstream.deployment("smart", CLAUDE, provider="anthropic", number=2),
    ]
    router = make(*three, settings={"hedge": HedgePolicy(after=0.1), **GO_ON}, listeners=(heard.append,))
    answer, chunks = await read(router, chat("smart", stream=True))
    assert "Hello" in "".join(said(chunks))
    assert [(attempt.deployment, attempt.error) for attempt in answer.attempts] == [
        ("smart:0", "Hedged"),
        ("smart:1", "APIConnectionError"),
        ("smart:2", None),
    ]
    assert {HedgeLost, StreamResumed, CallSucceeded} <= {type(event) for event in heard}
    await at_rest(router)


def test_how_it_is_written() -> None:
    assert mid_stream_fallback("continue", "x") == "continue"
    with pytest.raises(ConfigError):
        mid_stream_fallback("go on", "x")
