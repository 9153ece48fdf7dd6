"""A log of calls that `dragoman replay` reads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from dragoman.observe import Answered, Event, Failed, Tried
from dragoman.types.cost import dollars

__all__ = ["CallLog"]

_MOST_UNDER_WAY = 10_000
"""Calls whose attempts are remembered until they end; a stream that nobody closes never does."""


class CallLog:
    """A listener that adds one JSON line to a file for each call that has ended: when, which model, who was asked and how that
    ended, what was used and what it cost. No request, no answer and no key is in it.

        with CallLog("calls.jsonl") as log:
            router = Router(model_list, listeners=[log])

    Any thread may use it. `now` gives Unix seconds."""

    def __init__(self, path: str | Path, *, now: Callable[[], float] = time.time) -> None:
        """The file is made where there is none. Raises `OSError`."""
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - it is open as long as the log is
        self._now = now
        self._lock = threading.Lock()
        self._under_way: OrderedDict[str, tuple[float, list[Mapping[str, Any]]]] = OrderedDict()
        """By the id of the request: when it began, and its attempts."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, Tried):
            self._tried(event)
        elif isinstance(event, (Answered, Failed)):
            self._ended(event)

    def _tried(self, event: Tried) -> None:
        attempt = {
            "deployment": event.deployment,
            "provider": event.provider,
            "model": event.model,
            "milliseconds": round(event.milliseconds, 3),
            "error": event.error,
            "status": event.status,
        }
        with self._lock:
            begun = self._now() - event.milliseconds / 1000
            self._under_way.setdefault(event.request_id, (begun, []))[1].append(attempt)
            if len(self._under_way) > _MOST_UNDER_WAY:
                self._under_way.popitem(last=False)

    def _ended(self, event: Answered | Failed) -> None:
        with self._lock:
            now = self._now()
            begun, attempts = self._under_way.pop(event.request_id, (now, []))
            line = {
                "time": now,
                "request_id": event.request_id,
                "model": event.called or event.alias,
                "operation": event.operation,
                "stream": event.stream,
                "attempts": attempts,
                "usage": event.usage,
                "cost": None if event.cost is None or event.cost.total is None else dollars(event.cost.total),
                "milliseconds": round((now - begun) * 1000, 3),
                "error": event.error if isinstance(event, Failed) else None,
            }
            if not self._file.closed:
                self._file.write(orjson.dumps(line, default=str) + b"\n")

    def close(self) -> None:
        """What ends from now on is not written."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> CallLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
