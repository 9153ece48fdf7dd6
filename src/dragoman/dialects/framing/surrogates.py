"""Mend halves of surrogate pairs in JSON: a token may cut an emoji in two, and Python's and JavaScript's writers send the halves.

orjson refuses them. A pair that is split over two events is joined, and a half that stays alone becomes U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

__all__ = ["dumps", "joined_halves", "loads", "mend", "mend_text", "waits_for_half"]

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
"""Any escape, with a group where it is a half alone. In JSON a backslash stands only in strings, so that all are seen."""
_UNKNOWN = rb"\ufffd"
_HIGH = b"89abAB"


def mend(data: bytes) -> bytes:
    """Return JSON without lone halves; the same object where it has none."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return data
    return _ESCAPE.sub(lambda escape: _UNKNOWN if escape[1] else escape[0], data)


def mend_text(text: str) -> str:
    """Return a text whose halves are joined, or U+FFFD where they are alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def loads(data: bytes | str) -> Any:
    """Parse JSON, lone halves included. Raise `orjson.JSONDecodeError`."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raw = mend_text(data).encode() if isinstance(data, str) else data
        mended = mend(raw)
        if mended is data or mended == data:
            raise
        return orjson.loads(mended)


def dumps(value: Any) -> bytes:
    """Write JSON, strings with halves and integers of any size included. Raise `TypeError` for a value that JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as encode_error:
        if not any(reason in str(encode_error) for reason in ("surrogates", "64-bit")):
            raise
        import json

        try:
            return mend(json.dumps(value, separators=(",", ":"), allow_nan=False).encode())
        except (ValueError, RecursionError) as error:
            raise TypeError(str(error)) from error


def waits_for_half(data: bytes) -> bool:
    """Whether a string in `data` ends with the first half of a pair."""
    return any(True for _ in _open_ends(data))


def joined_halves(first: bytes, second: bytes) -> tuple[bytes, bytes]:
    """Return both, with the halves at the ends of strings in `first` moved to those at the beginnings of strings in `second`."""
    for high, low in reversed(list(zip(_open_ends(first), _open_starts(second), strict=False))):
        second = second[: low.start()] + high[0] + second[low.start() :]
        first = first[: high.start()] + first[high.end() :]
    return first, second


def _open_ends(data: bytes) -> Iterator[re.Match[bytes]]:
    for escape in _ESCAPE.finditer(data):
        if escape[1] and escape[1][1] in _HIGH and data[escape.end() : escape.end() + 1] == b'"':
            yield escape


def _open_starts(data: bytes) -> Iterator[re.Match[bytes]]:
    end = 0
    for escape in _ESCAPE.finditer(data):
        begins = data[escape.start() - 1 : escape.start()] == b'"' and end != escape.start()
        if escape[1] and escape[1][1] not in _HIGH and begins:
            yield escape
        end = escape.end()
