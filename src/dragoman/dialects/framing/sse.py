"""Server-sent events (WHATWG HTML, section 9.2): only CR, LF and CRLF end a line.

U+2028, U+2029 and U+0085 are text, which is why lines are split on bytes and never with `str.splitlines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["KEEP_ALIVE", "SseEvent", "SseReader", "write_event"]

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which every reader ignores."""


class SseEvent(NamedTuple):
    event: bytes
    """The event's name; empty where none was given."""
    data: bytes
    """The data lines, joined with LF."""
    raw: bytes
    """The event as it came, its blank line included."""


class SseReader:
    """Cuts a stream into events. Keeps the current event only; an event without data is skipped."""

    def __init__(self, max_event_bytes: int = 64 * 1024 * 1024) -> None: ...

    def feed(self, data: bytes) -> Iterator[SseEvent]:
        raise NotImplementedError

    def close(self) -> Iterator[SseEvent]:
        """The body has ended: some servers leave out the last blank line, so an event with data counts."""
        raise NotImplementedError


def write_event(data: bytes, event: bytes = b"") -> bytes:
    raise NotImplementedError
