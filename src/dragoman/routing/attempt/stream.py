"""Read a provider's stream in batches: one list for each network read. The first content is awaited inside the attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dragoman.dialects.codec import StreamEnd
from dragoman.errors import APIConnectionError, APIError, APIResponseValidationError
from dragoman.routing.attempt.invalid_answer import invalid_answer
from dragoman.routing.call import StreamAnswer
from dragoman.types.usage import TokenUsage

__all__ = ["Batches", "StreamOutcome", "StreamSource", "chunk_usage", "read_batches", "read_until_content"]

_END: Any = object()
_GRACE_SECONDS = 2.0
"""Seconds for what may follow a finished answer: its usage, and the end mark."""
_MAX_BYTES_BEFORE_CONTENT = 64 * 1024 * 1024
"""Of a stream. The first content may be an image in one event."""


class StreamOutcome:
    """The usage of a stream, and how it ended. Once the stream belongs to a caller its end is reported; before that a failure
    is only the attempt's own."""

    __slots__ = ("_answer", "_bytes_before_content", "_has_ended", "_on_end", "earlier", "own", "usage")

    def __init__(self) -> None:
        self.usage: TokenUsage | None = None
        self.own: TokenUsage | None = None
        self.earlier: Callable[[TokenUsage], TokenUsage] | None = None
        """Adds what was used by deployments whose streams had broken off before."""
        self._has_ended = False
        self._bytes_before_content = 0
        self._answer: StreamAnswer | None = None
        self._on_end: Callable[[BaseException | None], None] | None = None

    def attach(self, answer: StreamAnswer, on_end: Callable[[BaseException | None], None]) -> None:
        self._answer, self._on_end = answer, on_end
        answer.usage, answer.own_usage = self.usage, self.own
        if self._has_ended:  # without content: it was read to its end in search of some
            self.end(None)

    def read(self, data: Any) -> None:
        """Count the bytes before the first content, as all of them are kept. Raise `APIError` if there are too many."""
        if self._answer is None and isinstance(data, bytes):
            self._bytes_before_content += len(data)
            if self._bytes_before_content > _MAX_BYTES_BEFORE_CONTENT:
                raise APIResponseValidationError(
                    f"the stream has no content in its first {_MAX_BYTES_BEFORE_CONTENT} bytes"
                )

    def add_usage(self, usage: TokenUsage | None) -> None:
        if usage is not None:
            self.own = usage
            self.usage = usage if self.earlier is None else self.earlier(usage)
            if self._answer is not None:
                self._answer.usage, self._answer.own_usage = self.usage, usage

    def end(self, error: BaseException | None) -> None:
        """Report the end. Only the first one counts."""
        self._has_ended = True
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(error)


class Batches:
    """Iterates over what was read until the first content, and then over the rest.

    Leaving it closes the upstream connection, and so does forgetting it: `rest` has begun, so that its event loop's hook for
    asynchronous generators closes it."""

    __slots__ = ("_convert", "_first", "_rest")

    def __init__(
        self,
        first: list[Any],
        rest: AsyncGenerator[list[Any]],
        convert: Callable[[list[Any]], list[Any]] | None = None,
    ) -> None:
        self._first = first
        self._rest = rest
        self._convert = convert

    def __aiter__(self) -> AsyncIterator[list[Any]]:
        return self

    async def __anext__(self) -> list[Any]:
        if self._first:
            batch, self._first = self._first, []
        else:
            batch = await self._rest.__anext__()
        return batch if self._convert is None else self._convert(batch)

    async def aclose(self) -> None:
        self._first = []
        await self._rest.aclose()

    def map(self, convert: Callable[[list[Any]], list[Any]]) -> Batches:
        """Return the same batches, each converted."""
        return Batches(self._first, self._rest, convert)


async def read_until_content(
    rest: AsyncGenerator[list[Any]], has_begun: Callable[[list[Any]], bool]
) -> list[Any] | None:
    """Return what was read up to and with the first content; None: the stream has ended without any. Raise `APIError` for a failure
    before that."""
    first: list[Any] = []
    async for batch in rest:
        first += batch
        if has_begun(batch):
            return first
    return None


@dataclass(slots=True, kw_only=True)
class StreamSource:
    """Where a stream comes from, and how it is read."""

    reads: AsyncIterator[Any]
    feed: Callable[[Any], Iterable[Any]]
    close: Callable[[], Iterable[Any]]
    usage: Callable[[list[Any]], TokenUsage | None]
    """Returns the usage that a batch holds."""
    release: Callable[[], Awaitable[None]]
    """Closes the upstream connection."""
    end: StreamEnd | None = None
    """How far the stream has come, if that is known before its source ends."""


async def read_batches(source: StreamSource, outcome: StreamOutcome) -> AsyncGenerator[list[Any]]:
    """Yield one batch for each read that completes something. Raise `APIError` if the stream fails, after the chunks that came
    before."""
    grace = _Grace()
    try:
        while (data := await _next(source, grace)) is not _END:
            outcome.read(data)
            batch, failures = _collect(source.feed(data))
            if batch:
                outcome.add_usage(source.usage(batch))
                yield batch
            if failures:
                raise failures.pop()
        batch, failures = _collect(source.close())
        if batch:
            outcome.add_usage(source.usage(batch))
            yield batch
        if failures:
            raise failures.pop()
    except BaseException as error:
        outcome.end(error)
        raise
    else:
        outcome.end(None)
    finally:
        await source.release()


class _Grace:
    """The time that is left for what may follow a finished answer. It counts from the finish, whatever else arrives."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end: float | None = None

    def begin(self) -> float:
        """Return when it is over, in the time of the event loop."""
        if self._end is None:
            self._end = asyncio.get_running_loop().time() + _GRACE_SECONDS
        return self._end


async def _next(source: StreamSource, grace: _Grace) -> Any:
    """Return what is read next, or `_END`.

    After the end mark nothing is awaited, and after the end of the answer not for long: some servers keep the connection open. Then
    a broken connection is an end, too."""
    end = source.end
    if end is None or not (end.finished or end.complete):
        return await anext(source.reads, _END)
    if end.complete:
        return _END
    over = grace.begin()
    if asyncio.get_running_loop().time() >= over:  # a flood leaves the event loop no turn for its timers
        return _END
    try:
        async with asyncio.timeout_at(over):
            return await anext(source.reads, _END)
    except (TimeoutError, APIConnectionError):
        return _END


def _collect(items: Iterable[Any]) -> tuple[list[Any], list[APIError]]:
    """Return the items, and the error that ended them, if any.

    The error is in a list, from which it is taken to be raised: a frame must not keep an error whose traceback keeps the frame, and
    with it all that was read, until the garbage collector runs."""
    batch: list[Any] = []
    failures: list[APIError] = []
    try:
        for item in items:
            batch.append(item)  # one by one: what came before an error is kept
    except APIError as error:
        failures.append(error)
    except Exception as error:
        failures.append(invalid_answer(error))
    return batch, failures


def chunk_usage(batch: list[Any]) -> TokenUsage | None:
    """Return the usage in a batch of hub chunks."""
    for chunk in reversed(batch):
        usage: TokenUsage | None = chunk.get("usage")
        if usage:
            return usage
    return None
