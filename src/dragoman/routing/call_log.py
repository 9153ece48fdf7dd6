"""A log of calls that `dragoman replay` reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from dragoman.observe import CallFailed, CallSucceeded, Event
from dragoman.types.call_record import Attempt
from dragoman.types.cost import dollars

__all__ = ["CallLog"]


class CallLog:
    """A listener that appends one JSON line to a file for each call that has ended: the time, the model, the attempts and their
    outcomes, the usage and the cost. It contains no request, no answer and no key.

        with CallLog("calls.jsonl") as log:
            router = Router(model_list, listeners=[log])

    It is thread-safe. `now` returns Unix seconds."""

    def __init__(self, path: str | Path, *, now: Callable[[], float] = time.time) -> None:
        """The file is made where there is none. Raises `OSError`."""
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - it is open as long as the log is
        self._now = now
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        if not isinstance(event, (CallSucceeded, CallFailed)):
            return
        record, now = event.record, self._now()
        line = {
            "time": now,
            "request_id": record.request_id,
            "model": record.model or record.alias,
            "operation": record.operation,
            "stream": record.stream,
            "attempts": [_attempt(attempt) for attempt in record.attempts],
            "usage": record.usage,
            "cost": None if record.cost is None or record.cost.total is None else dollars(record.cost.total),
            "milliseconds": round((now - record.started_at) * 1000, 3),
            "error": record.error or None,
        }
        with self._lock:
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


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "deployment": attempt.deployment,
        "provider": attempt.provider,
        "model": attempt.model,
        "milliseconds": round(attempt.milliseconds, 3),
        "error": attempt.error,
        "status": attempt.status,
    }
