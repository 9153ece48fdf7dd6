"""Streams as users iterate them. Leaving one early, closing it or forgetting it closes the upstream connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any, Generic, Self, TypeVar

from dragoman import _sync
from dragoman.routing import StreamAnswer
from dragoman.sdk._request import BuiltCall
from dragoman.sdk._results import costs, hidden_params, typed
from dragoman.sdk._tracebacks import SHALLOW
from dragoman.types.results import Result, Usage

__all__ = ["AsyncStream", "CustomStreamWrapper", "Stream"]

Chunk = TypeVar("Chunk", bound=Result)


class CustomStreamWrapper(Generic[Chunk]):
    """What the two kinds of streams share."""

    def __init__(self, answer: StreamAnswer, request: BuiltCall, kind: type[Chunk]) -> None:
        self._answer = answer
        self._kind = kind
        self._include_usage = request.include_usage
        self._waiting: deque[Chunk] = deque()
        self._hidden_params: dict[str, Any] = hidden_params(answer, request)
        self.model = answer.model
        self.custom_llm_provider = answer.provider

    @property
    def usage(self) -> Usage | None:
        """The tokens used, as soon as the provider has reported them: at the latest when the stream has ended."""
        return None if self._answer.usage is None else typed(Usage, self._answer.usage, self._answer)

    @property
    def dropped_params(self) -> tuple[str, ...]:
        return self._answer.dropped

    def _take(self, batch: list[Any]) -> None:
        """Chunks without choices mean nothing to a reader of `choices[0]`: they are yielded only if they carry requested usage."""
        for chunk in batch:
            if not chunk.get("choices") and not (self._include_usage and chunk.get("usage")):
                continue
            built = typed(self._kind, chunk, self._answer)
            built._hidden_params = self._hidden_params
            self._waiting.append(built)
        self._note_cost()

    def _note_cost(self) -> None:
        """All chunks hold the same `_hidden_params`: as soon as it is known they tell what was used, and what it cost."""
        if self._answer.usage is not None:
            self._hidden_params.update(costs(self._answer), usage=self._answer.usage)


class Stream(CustomStreamWrapper[Chunk]):
    """Chunks for a plain `for` loop; a context manager too."""

    def __init__(self, answer: StreamAnswer, request: BuiltCall, kind: type[Chunk]) -> None:
        super().__init__(answer, request, kind)
        self._batches = _sync.iterate(answer.batches)

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        with SHALLOW:
            while not self._waiting:
                self._take(next(self._batches))
        return self._waiting.popleft()

    def close(self) -> None:
        self._waiting.clear()
        self._batches.close()
        self._note_cost()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncStream(CustomStreamWrapper[Chunk]):
    """Chunks for an `async for` loop; an async context manager too."""

    _is_over = True

    def __init__(self, answer: StreamAnswer, request: BuiltCall, kind: type[Chunk]) -> None:
        super().__init__(answer, request, kind)
        self._loop = asyncio.get_running_loop()
        self._is_over = False

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        while not self._waiting:
            try:
                with SHALLOW:
                    batch = await anext(self._answer.batches)
            except BaseException:
                self._is_over = True
                raise
            self._take(batch)
        return self._waiting.popleft()

    def __del__(self) -> None:
        # An answer and what reads it hold each other, and the collector may be long in coming. It may be any thread's.
        if not self._is_over:
            with contextlib.suppress(RuntimeError):  # its loop has ended, and so has the stream
                self._loop.call_soon_threadsafe(_close, self._loop, self._answer)

    async def aclose(self) -> None:
        self._is_over = True
        self._waiting.clear()
        await self._answer.aclose()
        self._note_cost()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _close(loop: asyncio.AbstractEventLoop, answer: StreamAnswer) -> None:
    loop.create_task(answer.aclose())
