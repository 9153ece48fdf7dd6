"""The attempts of a call as JSON that fits into a header."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

from dragoman.types.call_record import Attempt

__all__ = ["attempt_log"]

_MOST_BYTES = 2048
"""nginx and its like take 4 KB for the whole head of an answer by default."""
_DETAILS = (("why", "passed_over"), ("why",), ())
"""What is told beside the facts, as far as there is room for it."""


def attempt_log(attempts: Sequence[Attempt], most: int = _MOST_BYTES) -> str:
    """Return a JSON array in ASCII of at most so many bytes. The reasons are left out first, then attempts in the middle."""
    for details in _DETAILS:
        rows = [_row(attempt, details) for attempt in attempts]
        text = _json(rows)
        if len(text) <= most:
            return text
    count = len(rows)
    while len(text) > most and count > 1:
        count -= 1
        first = (count + 1) // 2
        text = _json([*rows[:first], {"left_out": len(rows) - count}, *rows[len(rows) - (count - first) :]])
    return text if len(text) <= most else _json([{"left_out": len(rows)}])


def _row(attempt: Attempt, details: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {"deployment": attempt.deployment, "alias": attempt.alias}
    if attempt.error is not None:
        row["error"] = attempt.error
    if attempt.status is not None:
        row["status"] = attempt.status
    row["ms"] = round(attempt.milliseconds)
    for name in details:
        if value := getattr(attempt, name):
            row[name] = value
    return row


def _json(value: Any) -> str:
    data = orjson.dumps(value, default=tuple)  # `default` is for named tuples
    return data.decode() if data.isascii() else json.dumps(value, separators=(",", ":"))
