"""Streams of the SDK: closed when left, forgotten or broken; and what they raise."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

import dragoman
from tests.routing.upstream import Upstream, eventually, soon

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(autouse=True)
def _environment(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "secret" * 4)
    monkeypatch.setenv("OPENAI_API_BASE", upstream.base("openai"))


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """It may be long in coming."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("how", ["break", "close", "with", "forget", "never read"])
def test_a_plain_stream_that_is_left_closes_the_upstream(upstream: Upstream, how: str) -> None:
    stream: Any = dragoman.completion("openai/sim[stall=8]", HELLO, stream=True)
    if how == "with":
        with stream:
            next(stream)
    elif how != "never read":
        for _ in stream:
            break
    if how == "close":
        stream.close()
        with pytest.raises(StopIteration):
            next(stream)
    if how != "close":
        del stream
    eventually(lambda: upstream.calls[0].closed_early)


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("breaking", ["error", "continue"])
@pytest.mark.parametrize("how", ["close", "with", "forget", "never read"])
async def test_an_async_stream_that_is_left_closes_the_upstream(upstream: Upstream, how: str, breaking: str) -> None:
    more: dict[str, Any] = {"stream": True, "mid_stream_fallback": breaking}
    stream: Any = await dragoman.acompletion("openai/sim[stall=8]", HELLO, **more)
    if how == "with":
        async with stream:
            await anext(stream)
    elif how != "never read":
        async for _ in stream:
            break
    if how == "close":
        await stream.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
    del stream
    await soon(lambda: upstream.calls[0].closed_early)


async def test_a_stream_that_breaks_raises_the_right_class(upstream: Upstream) -> None:
    for fault in ("cut=4", "error-after=4"):
        stream = dragoman.completion(f"openai/sim[{fault}]", HELLO, stream=True)
        assert next(stream).choices[0].delta.role == "assistant"
        with pytest.raises(dragoman.APIError) as caught:
            list(stream)
        assert len(caught.value.attempts) == 1
        with pytest.raises(StopIteration):
            next(stream)
        with pytest.raises(type(caught.value)):
            async for _ in await dragoman.acompletion(f"openai/sim[{fault}]", HELLO, stream=True):
                pass


def test_an_error_before_the_first_content_is_raised_by_the_call(upstream: Upstream) -> None:
    with pytest.raises(dragoman.RateLimitError):
        dragoman.completion("openai/sim[error=429]", HELLO, stream=True, num_retries=0)
    with pytest.raises(dragoman.Timeout):
        dragoman.completion("openai/sim[slow-first=5]", HELLO, stream=True, num_retries=0, stream_timeout=0.2)


def test_chunks_without_choices_are_not_shown() -> None:
    chunks = [
        {"choices": [], "prompt_filter_results": []},
        {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]},
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}},
    ]
    stream = dragoman.completion("openai/x", HELLO, stream=True, mock_response=chunks)
    assert [chunk.choices[0].delta.content for chunk in stream] == ["a"]
    assert stream.usage is not None
    assert stream.usage.total_tokens == 2
