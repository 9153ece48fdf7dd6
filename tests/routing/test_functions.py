"""Providers that are functions, and mock responses: the same road, without a socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from dragoman import errors
from dragoman.credentials import NoCredential
from dragoman.providers import Provider
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Deployment, FunctionCall, StreamAnswer
from dragoman.types.operations import EMBEDDING, TEXT_COMPLETION
from tests.routing.test_router import chat, text_of
from tests.routing.upstream import Stillness


def router_of(function: Callable[..., Any], **more: Any) -> CallRouter:
    provider = Provider(name="mine", base_url="", endpoints={}, credential=NoCredential(), function=function)
    return CallRouter([Deployment(id="mine:0", alias="mine", provider=provider, model="m")], **more)


def plain(call: FunctionCall) -> str:
    return f"{call.model} heard {call.request['messages'][0]['content']}"


async def awaited(call: FunctionCall) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"content": plain(call)}


def whole(call: FunctionCall) -> dict[str, Any]:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    message = {"role": "assistant", "content": plain(call)}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


def pieces(call: FunctionCall) -> Iterator[Any]:
    yield "m "
    yield {"text": "heard ", "is_finished": False, "index": 0, "finish_reason": "", "usage": None, "tool_use": None}
    yield {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}]}
    yield {"text": "", "is_finished": True, "finish_reason": "stop", "usage": {"prompt_tokens": 1, "total_tokens": 1}}


async def apieces(call: FunctionCall) -> AsyncIterator[Any]:
    for piece in pieces(call):
        yield piece


@pytest.mark.parametrize("function", [plain, awaited, whole])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_function_answers(function: Callable[..., Any], stream: bool) -> None:
    answer = await router_of(function).answer(chat("mine", stream=stream))
    assert await text_of(answer) == "m heard Hello"
    assert (answer.provider, answer.model, len(answer.attempts)) == ("mine", "m", 1)
    if function is whole:
        assert answer.usage == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


@pytest.mark.parametrize("function", [pieces, apieces])
async def test_a_function_streams(function: Callable[..., Any]) -> None:
    answer = await router_of(function).answer(chat("mine", stream=True))
    assert await text_of(answer) == "m heard Hello"
    assert answer.usage == {"prompt_tokens": 1, "total_tokens": 1}


async def test_a_plain_function_does_not_hold_up_the_loop() -> None:
    threads: list[str] = []

    def blocking(call: FunctionCall) -> str:
        threads.append(threading.current_thread().name)
        return "x"

    await router_of(blocking).answer(chat("mine"))
    assert threads != [threading.current_thread().name]


async def test_a_stream_that_is_left_closes_the_users_generator() -> None:
    closed = threading.Event()

    def endless(call: FunctionCall) -> Iterator[str]:
        try:
            while True:
                yield "x"
        finally:
            closed.set()

    answer = await router_of(endless).answer(chat("mine", stream=True))
    assert isinstance(answer, StreamAnswer)
    await anext(answer.batches)
    await answer.aclose()
    assert closed.is_set()


async def test_what_a_function_raises_is_the_providers_failure() -> None:
    asked: list[int] = []

    class Refused(Exception):
        status_code = 429

    def failing(call: FunctionCall) -> str:
        asked.append(1)
        raise Refused("slow down") if len(asked) < 3 else ValueError("broken")

    with pytest.raises(errors.APIError) as caught:
        await router_of(failing, clock=Stillness().clock).answer(chat("mine", num_retries=5))
    assert [attempt.error for attempt in caught.value.attempts] == ["RateLimitError", "RateLimitError", "APIError"]
    assert caught.value.message == "mine (mine): ValueError: broken"


async def test_a_function_has_a_deadline() -> None:
    async def slow(call: FunctionCall) -> str:
        await asyncio.sleep(60)
        return "late"

    started = time.monotonic()
    with pytest.raises(errors.Timeout):
        await router_of(slow).answer(chat("mine", timeout=0.2))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("value", [42, object(), {"no": "data"}, ["a", 1]])
async def test_what_is_no_answer_is_said(value: Any) -> None:
    call = chat("mine", num_retries=0)
    if isinstance(value, dict):
        call = Call(operation=EMBEDDING, model="mine", request={}, options=call.options)
    with pytest.raises(errors.APIResponseValidationError):
        await router_of(lambda _: value).answer(call)


async def test_embeddings_and_text_of_functions() -> None:
    def function(call: FunctionCall) -> Any:
        return [[0.5, 1.0]] if call.operation == "embedding" else plain(call)

    router = router_of(function)
    answer = await router.answer(Call(operation=EMBEDDING, model="mine", request={"input": "x"}))
    assert isinstance(answer, Answer)
    assert answer.response["data"] == [{"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}]
    call = Call(operation=TEXT_COMPLETION, model="mine", request={"prompt": "Hello", "echo": True})
    with pytest.raises(errors.UnsupportedParamsError):
        await router.answer(call)
    call.options = CallOptions(drop_params=True)
    answer = await router.answer(call)
    assert isinstance(answer, Answer)
    assert answer.response["choices"][0]["text"] == "m heard Hello"
    assert answer.dropped == ("echo",)


@pytest.mark.parametrize(
    ("mock", "kind"),
    [
        ("litellm.RateLimitError", errors.RateLimitError),
        ("dragoman.ContextWindowExceededError", errors.ContextWindowExceededError),
        (errors.Timeout, errors.Timeout),
        (errors.NotFoundError("gone"), errors.NotFoundError),
        (ValueError("whatever"), errors.APIError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_mocks_raise(mock: Any, kind: type[errors.APIError], stream: bool) -> None:
    router = CallRouter(clock=Stillness().clock)
    for _ in range(2):
        with pytest.raises(kind) as caught:
            await router.answer(chat("openai/gpt-4o", stream=stream, mock_response=mock, num_retries=1))
        assert type(caught.value) is kind
        assert caught.value.message.count("openai/gpt-4o") == 1
        assert len(caught.value.attempts) == 1 + kind.retry_here


@pytest.mark.parametrize(
    "mock",
    [
        "some words here",
        {"content": "some words here"},
        ["some ", "words here"],
        {"choices": [{"text": "some words here"}]},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_mocks_answer(mock: Any, stream: bool) -> None:
    answer = await CallRouter().answer(chat("openai/gpt-4o", stream=stream, mock_response=mock))
    assert await text_of(answer) == "some words here"
