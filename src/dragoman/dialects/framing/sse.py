"""Read and write server-sent events: only CR, LF and CRLF end a line.

https://html.spec.whatwg.org/multipage/server-sent-events.html


U+2028, U+2029 and U+0085 are text, so that everything here is done on bytes: `bytes.splitlines` knows only these three line
ends, while `str.splitlines` knows eleven.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from dragoman.dialects.framing.surrogates import joined_halves, mend, waits_for_half
from dragoman.errors import APIResponseValidationError

__all__ = ["SseEvent", "SseReader", "write_event"]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
"""Two line ends in a row. A CR that is the last byte so far counts as a line end: should its LF still come, it is an empty
line before the next event, which means nothing."""
_LONGEST_END = 4
_MAX_LINES = 100_000


class SseEvent(NamedTuple):
    event: bytes
    """The event's name; empty where it has none."""
    data: bytes
    """The data lines, joined with LF."""
    raw: bytes
    """The event as it came, its blank line included, without its `id`: readers that keep the last one (the openai package
    does) take each later comment for an event without data."""


class SseReader:
    """Cut a stream into events. Only the current event is kept; an event without data, or with empty data, is skipped, as
    section 9.2.6 demands."""

    __slots__ = ("_held", "_max_event_bytes", "_rest", "_scanned", "_started")

    def __init__(self, max_event_bytes: int = 32 * 1024 * 1024) -> None:
        self._max_event_bytes = max_event_bytes
        self._rest = bytearray()
        self._scanned = 0
        self._started = False
        self._held: SseEvent | None = None
        """An event that ends in half a character, until the next one may bring the other half."""

    def feed(self, data: bytes) -> list[SseEvent]:
        """Return the events that `data` completes."""
        return self._joined(self._feed(data))

    def _feed(self, data: bytes) -> list[SseEvent]:
        if not self._rest:
            return self._cut(data)
        self._rest += data
        if _END.search(self._rest, self._scanned) is None:
            self._keep(self._rest)
            return []
        whole = bytes(self._rest)
        self._rest.clear()
        return self._cut(whole)

    def close(self) -> list[SseEvent]:
        """Return the last events, at the end of the body: some servers leave out the last blank line."""
        rest = bytes(self._rest)
        self._rest.clear()
        event = self._parse(rest)
        events = self._joined([event] if event is not None else [])
        if self._held is not None:
            events.append(_with_data(self._held, mend(self._held.data)))
            self._held = None
        return events

    def _joined(self, events: list[SseEvent]) -> list[SseEvent]:
        """Return the events without lone halves of surrogate pairs."""
        if self._held is None and not any(_may_hold_halves(event.data) for event in events):
            return events
        whole: list[SseEvent] = []
        for event in events:
            if self._held is not None:
                before, data = joined_halves(self._held.data, event.data)
                whole.append(_with_data(self._held, mend(before)))
                event, self._held = _with_data(event, data), None
            if waits_for_half(event.data):
                self._held = event
            else:
                whole.append(_with_data(event, mend(event.data)))
        return whole

    def _cut(self, data: bytes) -> list[SseEvent]:
        events: list[SseEvent] = []
        start = 0
        for end in _ends(data):
            event = self._parse(data[start:end])
            start = end
            if event is not None:
                events.append(event)
        if start < len(data):
            self._rest += data[start:]
            self._keep(self._rest)
        return events

    def _keep(self, rest: bytearray) -> None:
        if len(rest) > self._max_event_bytes:
            self._rest = bytearray()  # the traceback of the error shall not keep the event alive
            raise APIResponseValidationError(f"an event of the stream is longer than {self._max_event_bytes} bytes")
        self._scanned = max(0, len(rest) - _LONGEST_END)

    def _parse(self, raw: bytes) -> SseEvent | None:
        text = raw
        if not self._started:
            self._started = True
            text = raw.removeprefix(_BYTE_ORDER_MARK)
        name = b""
        data: list[bytes] = []
        has_id = False
        if len(text) > _MAX_LINES:
            _check_lines(text)
        for line in text.splitlines():
            field, _, value = line.partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif field == b"event":
                name = value.removeprefix(b" ")
            elif field == b"id":
                has_id = True
        joined = b"\n".join(data)  # the same object where it is one line
        if not joined or joined.isspace():
            return None
        return SseEvent(name, joined, _without_id(raw) if has_id else raw)


def _check_lines(text: bytes) -> None:
    """Raise for an event of too many lines, which would take too long to split."""
    if text.count(b"\n") + text.count(b"\r") > _MAX_LINES:
        raise APIResponseValidationError(f"an event of the stream has more than {_MAX_LINES} lines")


def _may_hold_halves(data: bytes) -> bool:
    return b"\\ud" in data or b"\\uD" in data


def _with_data(event: SseEvent, data: bytes) -> SseEvent:
    return (
        event
        if data is event.data or data == event.data
        else SseEvent(event.event, data, write_event(data, event.event))
    )


def _without_id(raw: bytes) -> bytes:
    return b"".join(line for line in raw.splitlines(keepends=True) if line.partition(b":")[0].rstrip() != b"id")


def _ends(data: bytes) -> list[int]:
    """Return where events end. Without a CR, which servers hardly ever send, a plain search is several times as fast."""
    if b"\r" in data:
        return [match.end() for match in _END.finditer(data)]
    ends: list[int] = []
    end = data.find(b"\n\n")
    while end >= 0:
        ends.append(end + 2)
        end = data.find(b"\n\n", end + 2)
    return ends


def write_event(data: bytes, event: bytes = b"") -> bytes:
    """Return one event. `data` holds no line end: it is one JSON value, in which line ends are escaped."""
    if event:
        return b"event: " + event + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"
