"""Keep the calls that came, for tests to inspect."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["CallLog", "ObservedCall"]

_KEPT = 10_000


@dataclass
class ObservedCall:
    """One call. Times are seconds since the epoch."""

    path: str
    model: str = ""
    stream: bool = False
    status: int | None = None
    started: float = field(default_factory=time.time)
    ended: float | None = None
    chunks: int = 0
    closed_early: bool = False
    """The caller closed the connection before the answer was complete."""
    closed_at: float | None = None
    closed_after: float | None = None
    """Seconds between the start of the call and that."""

    def mark_disconnected(self) -> None:
        self.closed_early, self.closed_at = True, time.time()
        self.closed_after = self.closed_at - self.started


class CallLog:
    def __init__(self) -> None:
        self.count = 0
        self.calls: list[ObservedCall] = []
        self.last: dict[str, Any] | None = None
        self.by_model: Counter[str] = Counter()
        self.cached: set[str] = set()

    def add(self, call: ObservedCall) -> None:
        self.count += 1
        self.calls.append(call)
        if len(self.calls) > 2 * _KEPT:
            del self.calls[:_KEPT]

    def report(self) -> dict[str, Any]:
        open_now = sum(1 for call in self.calls if call.ended is None)
        return {"count": self.count, "open": open_now, "calls": [asdict(call) for call in self.calls[-_KEPT:]]}

    def reset(self) -> None:
        self.count, self.last = 0, None
        self.calls, self.by_model, self.cached = [], Counter(), set()
