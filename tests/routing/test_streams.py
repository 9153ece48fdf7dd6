"""Streams: what fails before the first content falls over, what fails after it raises, what is left is closed."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest

from dragoman import errors
from dragoman.observe import AttemptEnded, CallFailed, Event
from dragoman.routing import Answer, StreamAnswer
from tests.routing.test_router import Make, chat, text_of
from tests.routing.upstream import Upstream, soon

QUICK = {"num_retries": 0}


async def stream_of(router: Any, *arguments: Any, **options: Any) -> StreamAnswer:
    answer = await router.answer(chat(*arguments, stream=True, **options))
    assert isinstance(answer, StreamAnswer)
    return answer


@pytest.mark.parametrize("fault", ["error-after=0", "cut=0", "drop", "error=500"])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
async def test_a_failure_before_the_first_content_falls_over(
    upstream: Upstream, make: Make, provider: str, fault: str
) -> None:
    router = make(
        upstream.deployment("smart", f"sim[{fault}]", provider=provider),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}, **QUICK},
    )
    answer = await stream_of(router, "smart")
    assert "Hello" in await text_of(answer)
    assert [attempt.provider for attempt in answer.attempts] == [provider, "openai"]
    assert answer.attempts[0].error is not None


@pytest.mark.parametrize("fault", ["error-after", "cut"])
@pytest.mark.parametrize(("provider", "chunks"), [("openai", 5), ("anthropic", 5), ("gemini", 1)])
async def test_a_failure_after_content_raises_and_is_told(
    upstream: Upstream, make: Make, provider: str, chunks: int, fault: str
) -> None:
    heard: list[Event] = []
    router = make(
        upstream.deployment("smart", f"sim[{fault}={chunks}]", provider=provider),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}, **QUICK},
        listeners=(heard.append,),
    )
    answer = await stream_of(router, "smart")
    assert await anext(answer.batches)
    with pytest.raises(errors.APIError) as caught:
        await text_of(answer)
    assert caught.value.attempts == answer.attempts
    assert caught.value.message.startswith(f"smart ({provider}): ")
    assert [type(event) for event in heard[1:]] == [CallFailed]
    assert len(upstream.calls) == 1


async def test_a_slow_first_content_falls_over(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[slow-first=5]"),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}, "stream_timeout": 0.3, **QUICK},
    )
    started = time.monotonic()
    answer = await stream_of(router, "smart")
    assert time.monotonic() - started < 3
    assert [(attempt.error, attempt.status) for attempt in answer.attempts] == [("Timeout", 408), (None, None)]
    await soon(lambda: upstream.calls[0].closed_early)
    assert "Hello" in await text_of(answer)


@pytest.mark.parametrize("stream", [False, True])
async def test_one_deadline_for_all_attempts(upstream: Upstream, make: Make, stream: bool) -> None:
    router = make(
        upstream.deployment("smart", "sim[hang]"),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}, "timeout": 0.5, "num_retries": 5},
    )
    started = time.monotonic()
    with pytest.raises(errors.Timeout) as caught:
        await router.answer(chat("smart", stream=stream))
    assert 0.4 < time.monotonic() - started < 3
    assert len(caught.value.attempts) == 1
    await soon(lambda: upstream.calls[0].closed_early)


async def test_a_deployments_own_limit_leaves_time_for_others(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[hang]", options={"timeout": 0.3}),
        upstream.deployment("smart", "sim", number=1),
        settings={"timeout": 10},
    )
    answer = await router.answer(chat("smart"))
    assert [attempt.error for attempt in answer.attempts] == ["Timeout", None]


@pytest.mark.parametrize(
    ("fault", "stream"), [("hang", False), ("hang", True), ("slow-first=9", True), ("stall=2", True)]
)
async def test_a_cancelled_call_closes_the_upstream(upstream: Upstream, make: Make, fault: str, stream: bool) -> None:
    router = make(upstream.deployment("smart", f"sim[{fault}]"))

    async def call() -> None:
        await text_of(await router.answer(chat("smart", stream=stream)))

    task = asyncio.create_task(call())
    await soon(lambda: upstream.calls)
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = time.time()
    await soon(lambda: upstream.calls[0].closed_early)
    assert upstream.calls[0].closed_at is not None
    assert upstream.calls[0].closed_at - left < 0.5


@pytest.mark.parametrize("how", ["closed", "forgotten", "never read"])
async def test_a_stream_that_is_left_closes_the_upstream(upstream: Upstream, make: Make, how: str) -> None:
    heard: list[Event] = []
    router = make(upstream.deployment("smart", "sim[stall=6]"), listeners=(heard.append,))
    answer: StreamAnswer | None = await stream_of(router, "smart")
    assert answer is not None
    if how != "never read":
        await anext(answer.batches)
    if how == "closed":
        await answer.aclose()
    answer = None
    gc.collect()
    await asyncio.sleep(0)
    await soon(lambda: upstream.calls[0].closed_early)
    begun = heard[0]
    assert isinstance(begun, AttemptEnded)
    [left] = heard[1:]
    assert isinstance(left, CallFailed)
    record = left.record
    assert record is begun.record
    assert (record.model, record.alias, record.operation, record.stream) == ("smart", "smart", "chat", True)
    assert (record.error, record.provider, record.answered_model) == ("Left", "openai", "sim[stall=6]")
    assert (len(record.attempts), record.deployment_at_fault) == (1, "")


async def test_batches_hold_what_one_read_completed(upstream: Upstream, make: Make) -> None:
    answer = await stream_of(make(upstream.deployment("smart", "sim[rate=100]")), "smart")
    batches = [batch async for batch in answer.batches]
    assert len(batches) > 3
    assert all(batches)
    assert batches[-1][-1]["choices"] == []
    assert answer.usage == batches[-1][-1]["usage"]
    with pytest.raises(StopAsyncIteration):
        await anext(answer.batches)


async def test_an_answer_that_is_no_json_is_the_providers_fault(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[malformed]"),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}, **QUICK},
    )
    answer = await router.answer(chat("smart"))
    assert isinstance(answer, Answer)
    assert [attempt.error for attempt in answer.attempts] == ["APIResponseValidationError", None]
