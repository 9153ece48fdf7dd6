"""A provider's stream into batches: one list for each network read, its first content awaited inside the attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dragoman.dialects.codec import StreamEnd
from dragoman.errors import APIConnectionError, APIError, APIResponseValidationError
from dragoman.routing.call import StreamAnswer
from dragoman.types.usage import TokenUsage

__all__ = ["Batches", "StreamOutcome", "StreamSource", "chunk_usage", "read_batches", "read_until_content"]

_OVER: Any = object()
_GRACE = 2.0
"""Seconds for what may follow a finished answer: its usage, and the end mark."""

_MOST_UNHEARD = 64 * 1024 * 1024
"""Bytes of a stream before its first content, which may be an image in one event."""


class StreamOutcome:
    """Keeps the usage of a stream and says how it ended, once it belongs to a caller; before that a failure is only the
    attempt's own."""

    __slots__ = ("_answer", "_over", "_tell", "_unheard", "earlier", "own", "usage")

    def __init__(self) -> None:
        self.usage: TokenUsage | None = None
        self.own: TokenUsage | None = None
        self.earlier: Callable[[TokenUsage], TokenUsage] | None = None
        """Adds what deployments used that had broken off before."""
        self._over = False
        self._unheard = 0
        self._answer: StreamAnswer | None = None
        self._tell: Callable[[BaseException | None], None] | None = None

    def attach(self, answer: StreamAnswer, tell: Callable[[BaseException | None], None]) -> None:
        self._answer, self._tell = answer, tell
        answer.usage, answer.own_usage = self.usage, self.own
        if self._over:  # without any content: all of it was read in search of some
            self.end(None)

    def read(self, data: Any) -> None:
        """Count what is read before the first content, as all of it is kept. Raise `APIError` where it is too much."""
        if self._answer is None and isinstance(data, bytes):
            self._unheard += len(data)
            if self._unheard > _MOST_UNHEARD:
                raise APIResponseValidationError(f"the stream has no content in its first {_MOST_UNHEARD} bytes")

    def add_usage(self, usage: TokenUsage | None) -> None:
        if usage is not None:
            self.own = usage
            self.usage = usage if self.earlier is None else self.earlier(usage)
            if self._answer is not None:
                self._answer.usage, self._answer.own_usage = self.usage, usage

    def end(self, error: BaseException | None) -> None:
        """Only the first end counts."""
        self._over = True
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(error)


class Batches:
    """What was read until the first content, and then the rest. Leaving it closes the upstream connection, also when it is
    only forgotten: `rest` has begun, so its loop's hook for asynchronous generators closes it."""

    __slots__ = ("_first", "_rest", "_turn")

    def __init__(
        self,
        first: list[Any],
        rest: AsyncGenerator[list[Any]],
        turn: Callable[[list[Any]], list[Any]] | None = None,
    ) -> None:
        self._first = first
        self._rest = rest
        self._turn = turn

    def __aiter__(self) -> AsyncIterator[list[Any]]:
        return self

    async def __anext__(self) -> list[Any]:
        if self._first:
            batch, self._first = self._first, []
        else:
            batch = await self._rest.__anext__()
        return batch if self._turn is None else self._turn(batch)

    async def aclose(self) -> None:
        self._first = []
        await self._rest.aclose()

    def map(self, turn: Callable[[list[Any]], list[Any]]) -> Batches:
        """The same batches, each turned into another form."""
        return Batches(self._first, self._rest, turn)


async def read_until_content(rest: AsyncGenerator[list[Any]], begun: Callable[[list[Any]], bool]) -> list[Any] | None:
    """Read until the first content. None: the stream has ended without any. Raises `APIError` where it ends badly before."""
    first: list[Any] = []
    async for batch in rest:
        first += batch
        if begun(batch):
            return first
    return None


@dataclass(slots=True, kw_only=True)
class StreamSource:
    """Where a stream comes from, and how it is read."""

    reads: AsyncIterator[Any]
    feed: Callable[[Any], Iterable[Any]]
    close: Callable[[], Iterable[Any]]
    usage: Callable[[list[Any]], TokenUsage | None]
    """What a batch says about usage."""
    release: Callable[[], Awaitable[None]]
    """Closes the upstream connection."""
    end: StreamEnd | None = None
    """How far the stream has come, where that can be told before its source ends."""


async def read_batches(source: StreamSource, outcome: StreamOutcome) -> AsyncGenerator[list[Any]]:
    """One batch for each read that completes something. Raises `APIError` where the stream ends badly, after the chunks
    that came before."""
    try:
        while (data := await _next(source)) is not _OVER:
            outcome.read(data)
            batch, failures = _collected(source.feed(data))
            if batch:
                outcome.add_usage(source.usage(batch))
                yield batch
            if failures:
                raise failures.pop()
        batch, failures = _collected(source.close())
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


async def _next(source: StreamSource) -> Any:
    """What is read next, or `_OVER`. After the end mark nothing is waited for, and after the end of the answer not for long: some
    servers keep the connection open. Then a break is an end, too."""
    end = source.end
    if end is None or not (end.finished or end.complete):
        return await anext(source.reads, _OVER)
    if end.complete:
        return _OVER
    try:
        async with asyncio.timeout(_GRACE):
            return await anext(source.reads, _OVER)
    except (TimeoutError, APIConnectionError):
        return _OVER


def _collected(items: Iterable[Any]) -> tuple[list[Any], list[APIError]]:
    """The items, and the error that ended them. In a list, from which it is taken to be raised: a frame must not keep an error
    whose traceback keeps the frame, and with it all that was read, until the collector comes by."""
    batch: list[Any] = []
    failures: list[APIError] = []
    try:
        for item in items:
            batch.append(item)  # one by one: what came before an error is kept
    except APIError as error:
        failures.append(error)
    return batch, failures


def chunk_usage(batch: list[Any]) -> TokenUsage | None:
    """The usage among a batch of hub chunks."""
    for chunk in reversed(batch):
        usage: TokenUsage | None = chunk.get("usage")
        if usage:
            return usage
    return None
