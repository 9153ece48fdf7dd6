"""Attempts that open no socket: providers that are a function of the user's, and mock responses."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import copy
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dragoman import errors
from dragoman.dialects.dialect import Operation, ReplyContext
from dragoman.errors import APIError, DragomanError
from dragoman.routing.attempt.content import has_content
from dragoman.routing.attempt.custom_result import chunk_of, chunks_of_response, response_of
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.attempt.stream import (
    Batches,
    StreamOutcome,
    StreamSource,
    chunk_usage,
    read_batches,
    read_until_content,
)
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.routing.settings.call_options import CallOptions
from dragoman.types.json import JsonObject

__all__ = ["FunctionCall", "ask_function", "ask_mock"]

_ERROR_NAME = re.compile(r"(?:litellm|dragoman)\.(\w+)")
_MOCK_USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
_END = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """What a provider that is a function gets. It may be plain or async, and gives a text, a message, a whole response in
    OpenAI's shape, or for a stream an iterator (plain or async) of texts or chunks."""

    operation: Operation
    model: str
    request: Any
    """The hub's request, in OpenAI's shape."""
    stream: bool
    options: CallOptions
    timeout: float
    """Seconds that are left for the whole call."""
    request_id: str


async def ask_function(
    job: AttemptRequest, function: Callable[..., Any], ending: StreamOutcome
) -> Answer | StreamAnswer:
    call = FunctionCall(
        operation=job.operation,
        model=job.deployment.model,
        request=job.request,
        stream=job.stream,
        options=job.options,
        timeout=job.seconds_left,
        request_id=job.request_id,
    )
    limit = job.first_content if job.stream else job.seconds_left
    try:
        async with asyncio.timeout(limit):
            with _as_ours(job):
                value = await _called(function, call)
            return await _answered(job, value, ending)
    except TimeoutError as error:
        raise errors.Timeout(f"the function gave no answer within {limit:g} s") from error


async def ask_mock(job: AttemptRequest, ending: StreamOutcome) -> Answer | StreamAnswer:
    value, delay = job.options.mock_response, job.options.mock_delay
    if delay is not None:
        await asyncio.sleep(min(delay, job.seconds_left))
        if delay >= job.seconds_left:
            raise errors.Timeout(f"the mock response gave no answer within {job.seconds_left:g} s")
    error = _mock_error(value)
    if error is not None:
        raise error
    if job.options.mock_tool_calls:
        value = _mock_calls(value, job.options.mock_tool_calls)
    if job.stream and isinstance(value, (list, tuple)):
        value = iter(value)
    return await _answered(job, value, ending, _MOCK_USAGE)


def _mock_calls(value: Any, calls: Sequence[JsonObject]) -> JsonObject:
    """A response with tool calls, and a text where `value` is one."""
    content = value if isinstance(value, str) else None
    message = {"role": "assistant", "content": content, "tool_calls": [{"type": "function", **call} for call in calls]}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": dict(_MOCK_USAGE)}


def _mock_error(value: Any) -> BaseException | None:
    """The error that a mock stands for: an exception, its class, or its name as in `litellm.RateLimitError`."""
    if isinstance(value, str):
        match = _ERROR_NAME.match(value)
        value = getattr(errors, match[1], None) if match else None
    if isinstance(value, type) and issubclass(value, Exception):
        value = value(f"mock: {value.__name__}")
    if isinstance(value, DragomanError):
        return copy.copy(value)  # the router writes into it, and the caller's own must stay as it is
    if isinstance(value, Exception):
        error = APIError(str(value))
        error.__cause__ = value
        return error
    return None


async def _called(function: Callable[..., Any], call: FunctionCall) -> Any:
    """The function's value; a plain function runs in a thread, so that it cannot hold up the loop."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        value = function(call)
    elif inspect.isgeneratorfunction(function):
        return function(call)
    else:
        value = await asyncio.to_thread(function, call)
    while inspect.isawaitable(value):
        value = await value
    return value


async def _answered(job: AttemptRequest, value: Any, ending: StreamOutcome, usage: Any = None) -> Answer | StreamAnswer:
    provider, model = job.deployment.provider.name, job.deployment.model
    context = job.reply_context()
    if not job.stream:
        response = response_of(value, job.operation, context)
        if usage and isinstance(value, str) and job.operation == "chat":
            response["usage"] = dict(usage)
        used = response.get("usage")
        return Answer(provider=provider, model=model, response=response, usage=used, cost=job.cost(used))
    rest = read_batches(_stream_source(job, value, context, usage), ending)
    first = await read_until_content(rest, has_content) or []
    return StreamAnswer(provider=provider, model=model, batches=Batches(first, rest), pricing=job.pricing())


def _stream_source(job: AttemptRequest, value: Any, context: ReplyContext, usage: Any) -> StreamSource:
    release: Callable[[], Awaitable[None]]
    if not (isinstance(value, Iterator) or hasattr(value, "__anext__") or hasattr(value, "__aiter__")):
        response = response_of(value, "chat", context)
        if usage:
            response["usage"] = dict(usage)
        reads, release = _immediately(chunks_of_response(response, context)), _nothing
    elif hasattr(value, "__aiter__"):
        reads, release = aiter(value), _closing(value)
    else:
        reads, release = _in_thread(value), _closing(value)
    return StreamSource(
        reads=_ours(reads, job),
        feed=lambda piece: chunk_of(piece, context),
        close=tuple,
        usage=chunk_usage,
        release=release,
    )


async def _immediately(pieces: Iterator[Any]) -> AsyncIterator[Any]:
    for piece in pieces:
        yield piece


async def _in_thread(pieces: Iterator[Any]) -> AsyncIterator[Any]:
    """A plain iterator may block, so each step runs in a thread, all in one context."""
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()

    def step() -> Any:
        return next(pieces, _END)

    while (piece := await loop.run_in_executor(None, context.run, step)) is not _END:
        yield piece


async def _ours(reads: AsyncIterator[Any], job: AttemptRequest) -> AsyncIterator[Any]:
    with _as_ours(job):
        async for piece in reads:
            yield piece


async def _nothing() -> None: ...


def _closing(value: Any) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        if hasattr(value, "aclose"):
            await value.aclose()
        elif hasattr(value, "close"):
            await asyncio.to_thread(value.close)

    return close


@contextlib.contextmanager
def _as_ours(job: AttemptRequest) -> Iterator[None]:
    """What a user's function raises is the provider's failure."""
    try:
        yield
    except DragomanError:
        raise
    except Exception as error:
        status = getattr(error, "status_code", None)
        kind = errors.error_for_status(status) if isinstance(status, int) else APIError
        raise kind(f"{type(error).__name__}: {error}", provider=job.deployment.provider.name) from error
