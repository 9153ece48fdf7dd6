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
from dragoman.dialects.codec import ReplyContext
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
from dragoman.types.operations import CHAT

__all__ = ["FunctionCall", "ask_function", "ask_mock"]

_ERROR_NAME = re.compile(r"(?:litellm|dragoman)\.(\w+)")
_MOCK_USAGE = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
_EXHAUSTED = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall:
    """The argument of a provider that is a function.

    The function may be plain or async. It returns a text, a message, a whole response in OpenAI's shape, or for a stream an
    iterator (plain or async) of texts or chunks."""

    operation: str
    """`chat`, `embedding` or `text_completion`."""
    model: str
    request: Any
    """The request in the hub's shape, which is OpenAI's."""
    stream: bool
    options: CallOptions
    timeout: float
    """Seconds that are left for the whole call."""
    request_id: str


async def ask_function(
    request: AttemptRequest, function: Callable[..., Any], outcome: StreamOutcome
) -> Answer | StreamAnswer:
    """Return the answer of a function. Raise `APIError`."""
    call = FunctionCall(
        operation=request.operation.name,
        model=request.deployment.model,
        request=request.hub_request,
        stream=request.stream,
        options=request.options,
        timeout=request.seconds_left,
        request_id=request.request_id,
    )
    limit = request.first_content if request.stream else request.seconds_left
    try:
        async with asyncio.timeout(limit):
            with _provider_failures(request):
                value = await _value_of(function, call)
            return await _answer(request, value, outcome)
    except TimeoutError as error:
        raise errors.Timeout(f"the function gave no answer within {limit:g} s") from error


async def ask_mock(request: AttemptRequest, outcome: StreamOutcome) -> Answer | StreamAnswer:
    """Return the mock answer that the options hold. Raise `APIError`."""
    value, delay = request.options.mock_response, request.options.mock_delay
    if delay is not None:
        await asyncio.sleep(min(delay, request.seconds_left))
        if delay >= request.seconds_left:
            raise errors.Timeout(f"the mock response gave no answer within {request.seconds_left:g} s")
    error = _mock_error(value)
    if error is not None:
        raise error
    if request.options.mock_tool_calls:
        value = _mock_calls(value, request.options.mock_tool_calls)
    if request.stream and isinstance(value, (list, tuple)):
        value = iter(value)
    return await _answer(request, value, outcome, _MOCK_USAGE)


def _mock_calls(value: Any, calls: Sequence[JsonObject]) -> JsonObject:
    """Return a response with tool calls, and a text if `value` is one."""
    content = value if isinstance(value, str) else None
    message = {"role": "assistant", "content": content, "tool_calls": [{"type": "function", **call} for call in calls]}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": dict(_MOCK_USAGE)}


def _mock_error(value: Any) -> BaseException | None:
    """Return the error that a mock stands for: an exception, its class, or its name as in `litellm.RateLimitError`."""
    if isinstance(value, str):
        match = _ERROR_NAME.match(value)
        value = getattr(errors, match[1], None) if match else None
    if isinstance(value, type) and issubclass(value, Exception):
        value = value(f"mock: {value.__name__}")
    if isinstance(value, DragomanError):
        return copy.copy(value)  # the router writes to it, and the caller's own must not change
    if isinstance(value, Exception):
        error = APIError(str(value))
        error.__cause__ = value
        return error
    return None


async def _value_of(function: Callable[..., Any], call: FunctionCall) -> Any:
    """Return the function's value. A plain function runs in a thread, so that it cannot block the event loop."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        value = function(call)
    elif inspect.isgeneratorfunction(function):
        return function(call)
    else:
        value = await asyncio.to_thread(function, call)
    while inspect.isawaitable(value):
        value = await value
    return value


async def _answer(
    request: AttemptRequest, value: Any, outcome: StreamOutcome, usage: Any = None
) -> Answer | StreamAnswer:
    provider, model = request.deployment.provider.name, request.deployment.model
    context = request.reply_context()
    if not request.stream:
        response = response_of(value, request.operation, context)
        if usage and isinstance(value, str) and request.operation is CHAT:
            response["usage"] = dict(usage)
        used = response.get("usage")
        return Answer(provider=provider, model=model, response=response, usage=used, cost=request.cost(used))
    rest = read_batches(_stream_source(request, value, context, usage), outcome)
    first = await read_until_content(rest, has_content) or []
    return StreamAnswer(provider=provider, model=model, batches=Batches(first, rest), pricing=request.pricing())


def _stream_source(request: AttemptRequest, value: Any, context: ReplyContext, usage: Any) -> StreamSource:
    release: Callable[[], Awaitable[None]]
    if not (isinstance(value, Iterator) or hasattr(value, "__anext__") or hasattr(value, "__aiter__")):
        response = response_of(value, CHAT, context)
        if usage:
            response["usage"] = dict(usage)
        reads, release = _immediately(chunks_of_response(response, context)), _nothing
    elif hasattr(value, "__aiter__"):
        reads, release = aiter(value), _closing(value)
    else:
        reads, release = _in_thread(value), _closing(value)
    return StreamSource(
        reads=_guarded(reads, request),
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
        return next(pieces, _EXHAUSTED)

    while (piece := await loop.run_in_executor(None, context.run, step)) is not _EXHAUSTED:
        yield piece


async def _guarded(reads: AsyncIterator[Any], request: AttemptRequest) -> AsyncIterator[Any]:
    with _provider_failures(request):
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
def _provider_failures(request: AttemptRequest) -> Iterator[None]:
    """Raise what a user's function raises as the provider's failure."""
    try:
        yield
    except DragomanError:
        raise
    except Exception as error:
        status = getattr(error, "status_code", None)
        kind = errors.error_for_status(status) if isinstance(status, int) else APIError
        raise kind(f"{type(error).__name__}: {error}", provider=request.deployment.provider.name) from error
