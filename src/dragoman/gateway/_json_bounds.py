"""How much JSON a body may hold: a count before it is parsed, a depth after. Pure, and linear in the size of the body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["holds_more_than", "is_deeper_than"]

_CHUNK = 64 * 1024
"""Bytes that are looked at together, so that counting takes no memory to speak of."""


def holds_more_than(limit: int, raw: bytes) -> bool:
    """Whether `raw` holds more than `limit` values.

    The cheap count includes what stands inside of strings, so only a body that exceeds `limit` by it is counted without them. A
    short body cannot hold as many."""
    return len(raw) > limit and _signs(raw) > limit and _signs_outside(raw, limit) > limit


def _signs(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _signs_outside(raw: bytes, limit: int, size: int = _CHUNK) -> int:
    """The signs outside of strings; counting ends beyond `limit`."""
    found = inside = 0
    for chunk in _without_escapes(raw, size):
        parts = chunk.split(b'"')
        found += _signs(b" ".join(parts[inside::2]))
        if found > limit:
            break
        inside ^= (len(parts) - 1) & 1
    return found


def _without_escapes(raw: bytes, size: int) -> Iterator[bytes]:
    """`raw` in chunks, without its escaped backslashes and quotes: every quote that is left begins or ends a string."""
    carry = b""
    for start in range(0, len(raw), size):
        chunk = carry + raw[start : start + size]
        whole = chunk.rstrip(b"\\")
        # A single backslash at the end escapes the first byte of the next chunk.
        carry = b"\\" * ((len(chunk) - len(whole)) & 1)
        yield whole.replace(b"\\\\", b"").replace(b'\\"', b"")


def is_deeper_than(limit: int, value: dict[str, Any], raw: bytes) -> bool:
    """Whether `value`, which was parsed from `raw`, is nested deeper than `limit` levels."""
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            item
            for parent in level
            for item in (parent.values() if type(parent) is dict else parent)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return False
    return True
