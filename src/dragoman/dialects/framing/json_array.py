"""Read and write a stream that is one JSON array: Gemini's framing without `alt=sse`. Each element is an event.

Elements are found by counting brackets outside of strings, so that the bytes of an element are scanned once, and parsed by
the caller.
"""

from __future__ import annotations

import re

from dragoman.errors import APIResponseValidationError

__all__ = ["JsonArrayReader", "JsonArrayWriter"]

_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')
_NOT_SKIPPED = re.compile(rb"[^ \t\r\n,]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonArrayReader:
    """Cut an array into its elements. Only the current element is kept. A value that is not in an array counts as one element
    (an error may come alone)."""

    __slots__ = ("_at", "_closed", "_depth", "_in_array", "_in_string", "_max_element_bytes", "_rest", "_started")

    def __init__(self, max_element_bytes: int = 32 * 1024 * 1024) -> None:
        self._max_element_bytes = max_element_bytes
        self._rest = bytearray()
        self._at = 0
        self._depth = 0
        self._in_string = False
        self._in_array = False
        self._started = False
        self._closed = False

    @property
    def complete(self) -> bool:
        """Whether the array has ended."""
        return self._closed

    def feed(self, data: bytes) -> list[bytes]:
        """Return the elements that `data` completes."""
        self._rest += data
        if not self._started and not self._start():
            return []
        elements: list[bytes] = []
        while not self._closed:
            if self._depth == 0 and not self._open():
                break
            end = self._scan()
            if end is None:
                break
            elements.append(bytes(self._rest[:end]))
            del self._rest[:end]
            self._at = 0
            self._closed = not self._in_array
        if len(self._rest) > self._max_element_bytes:
            self._rest = bytearray()  # the traceback of the error shall not keep the element alive
            raise APIResponseValidationError(f"an element of the stream is longer than {self._max_element_bytes} bytes")
        return elements

    def _start(self) -> bool:
        """Find the bracket of the array. Return False as long as there is none."""
        if _BYTE_ORDER_MARK.startswith(bytes(self._rest[:3])):
            if len(self._rest) < len(_BYTE_ORDER_MARK):
                return False
            del self._rest[: len(_BYTE_ORDER_MARK)]
        self._skip()
        if not self._rest:
            return False
        self._started = True
        self._in_array = self._rest[0] == ord("[")
        if self._in_array:
            del self._rest[:1]
        return True

    def _skip(self) -> None:
        # Not `lstrip`, which copies all that follows, for each element anew.
        match = _NOT_SKIPPED.search(self._rest)
        del self._rest[: len(self._rest) if match is None else match.start()]

    def _open(self) -> bool:
        """Skip to the first byte of an element. Return False where there is none (yet)."""
        self._skip()
        if not self._rest:
            return False
        if self._rest[0] == ord("]") and self._in_array:
            self._closed = True
            return False
        if self._rest[0] not in b"{[":
            raise APIResponseValidationError("the stream is neither an array of objects nor an object")
        return True

    def _scan(self) -> int | None:
        """Return where the current element ends, or None where its end is still to come."""
        while True:
            match = (_INSIDE if self._in_string else _OUTSIDE).search(self._rest, self._at)
            if match is None:
                self._at = len(self._rest)
                return None
            self._at = match.end()
            byte = match[0]
            if byte == b"\\":
                if self._at >= len(self._rest):
                    self._at = match.start()
                    return None
                self._at += 1
            elif byte == b'"':
                self._in_string = not self._in_string
            else:
                self._depth += 1 if byte in b"{[" else -1
                if self._depth == 0:
                    return self._at

    def close(self) -> list[bytes]:
        """Return nothing more: half an element is none."""
        self._rest.clear()
        return []


class JsonArrayWriter:
    """Frame elements as one array."""

    __slots__ = ("_has_elements",)

    def __init__(self) -> None:
        self._has_elements = False

    def write(self, element: bytes) -> bytes:
        start = b",\r\n" if self._has_elements else b"["
        self._has_elements = True
        return start + element

    def close(self) -> bytes:
        return b"]" if self._has_elements else b"[]"
