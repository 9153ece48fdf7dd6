"""What a call went through, told to its caller in headers and to the operator in the log: every attempt, and no key or address."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from dragoman.errors import DragomanError
from dragoman.gateway.http.exchange import Exchange, Headers, header
from dragoman.gateway.logs.redactor import Redactor
from dragoman.routing import Answer, Attempt, StreamAnswer
from dragoman.types.call_record import answering_attempt

__all__ = ["attempt_headers", "attempt_log", "note_answer", "note_error", "note_usage"]

_MOST_BYTES = 2048
"""nginx and its like take 4 KB for the whole head of an answer by default."""
_DETAILS = (("why", "passed_over"), ("why",), ())
"""What is told beside the facts, as far as there is room for it."""
_MOST_TRIED = 20
"""Attempts in a line of the log."""
_LONGEST = 64
"""Of a text in a usage: a tier, a region."""


def attempt_headers(attempts: Sequence[Attempt], fallback: str, redactor: Redactor) -> Headers:
    """How many there were, which deployment answered, in whose place, and each attempt with its outcome."""
    headers = [(b"x-dragoman-attempts", b"%d" % len(attempts))]
    if not attempts:
        return headers
    made = answering_attempt(attempts)
    if made is not None:
        headers.append(header(b"x-dragoman-deployment", redactor.text(made.deployment)))
    if fallback:
        headers.append(header(b"x-dragoman-fallback", redactor.text(fallback)))
    headers.append((b"x-dragoman-attempt-log", redactor.text(attempt_log(attempts)).encode()))
    return headers


def attempt_log(attempts: Sequence[Attempt], most: int = _MOST_BYTES) -> str:
    """A JSON array in ASCII of at most so many bytes. The reasons are left out first, then attempts in the middle."""
    for details in _DETAILS:
        rows = [_row(attempt, details) for attempt in attempts]
        text = _json(rows)
        if len(text) <= most:
            return text
    kept = len(rows)
    while len(text) > most and kept > 1:
        kept -= 1
        first = (kept + 1) // 2
        text = _json([*rows[:first], {"left_out": len(rows) - kept}, *rows[len(rows) - (kept - first) :]])
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


def note_answer(exchange: Exchange, answer: Answer | StreamAnswer) -> None:
    """For the line of the log."""
    exchange.provider, exchange.attempts = answer.provider, len(answer.attempts)
    exchange.answered_by, exchange.fallback = answer.model, answer.fallback
    made = answering_attempt(answer.attempts)
    exchange.deployment = made.deployment if made is not None else ""
    _note_tried(exchange, answer.attempts)


def note_error(exchange: Exchange, error: DragomanError) -> None:
    attempts: tuple[Attempt, ...] = getattr(error, "attempts", ())
    exchange.attempts = len(attempts)
    exchange.provider = (attempts[-1].provider if attempts else error.provider) or ""
    if attempts:
        exchange.deployment, exchange.answered_by = attempts[-1].deployment, attempts[-1].model
    _note_tried(exchange, attempts)


def _note_tried(exchange: Exchange, attempts: Sequence[Attempt]) -> None:
    """Only where something failed: the other lines say it all."""
    if any(attempt.error for attempt in attempts):
        exchange.tried = tuple(_said(attempt) for attempt in attempts[:_MOST_TRIED])


def _said(attempt: Attempt) -> str:
    """`smart:0 InternalServerError 500 12ms`."""
    outcome = "answered" if attempt.error is None else attempt.error
    status = "" if attempt.status is None else f" {attempt.status}"
    return f"{attempt.deployment} {outcome}{status} {attempt.milliseconds:.0f}ms"


def note_usage(exchange: Exchange, usage: Mapping[str, Any] | None) -> None:
    exchange.usage = None if usage is None else _facts(usage)


def _facts(value: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and short words, without what is empty."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, Mapping):
            item = _facts(item)
        if isinstance(item, (int, float)) or (isinstance(item, (dict, str)) and 0 < len(item) <= _LONGEST):
            found[name] = item
    return found
