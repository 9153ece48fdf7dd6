"""The line of the log for one request: what was answered over HTTP, and what is known of the call. No keys, and no words of
callers or providers."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.gateway.wording import cost_text
from dragoman.types.call_record import Attempt, CallRecord

__all__ = ["call_fields", "log_request"]

_log = logging.getLogger("dragoman.gateway.requests")
_LONGEST_PATH = 600
"""No route is longer."""
_MOST_ATTEMPTS = 20
_LONGEST_TEXT = 64
"""Of a text in a usage: a tier, a region."""


def log_request(
    level: int, method: str, path: str, status: int, record: CallRecord, *, error: str, milliseconds: float
) -> None:
    """Write the line. `path` comes without its query, which may hold a key; `error` is the class of the error that the caller was
    sent."""
    if _log.isEnabledFor(level):
        fields = call_fields(record)
        fields["error"] = error or fields["error"]
        fields["milliseconds"] = round(milliseconds, 1)
        _log.log(level, "%s %s %d", method, path[:_LONGEST_PATH], status, extra=fields)


def call_fields(record: CallRecord) -> dict[str, Any]:
    """Return what a line says of a call."""
    return {
        "request_id": record.request_id,
        "model": record.model,
        "provider": record.last_provider,
        "operation": record.operation,
        "stream": record.stream if record.operation else None,
        "answered_by": record.last_model,
        "deployment": record.deployment,
        "fallback": record.fallback if record.provider else "",
        "tried": _attempts(record.attempts),
        "usage": None if record.usage is None else _figures(record.usage),
        "attempts": len(record.attempts),
        "cost": cost_text(record.cost) if record.is_settled else "",
        "error": record.error,
    }


def _attempts(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """Return all attempts where one has failed; otherwise the other fields say everything."""
    if len(attempts) == 1 and attempts[0].error is None:
        return ()
    failed = any(attempt.error for attempt in attempts)
    return tuple(_attempt(attempt) for attempt in attempts[:_MOST_ATTEMPTS]) if failed else ()


def _attempt(attempt: Attempt) -> str:
    """Return `smart:0 InternalServerError 500 12ms`."""
    outcome = "answered" if attempt.error is None else attempt.error
    status = "" if attempt.status is None else f" {attempt.status}"
    return f"{attempt.deployment} {outcome}{status} {attempt.milliseconds:.0f}ms"


def _figures(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers and short words of a usage, without what is empty."""
    figures: dict[str, Any] = {}
    for name, value in usage.items():
        if isinstance(value, Mapping):
            value = _figures(value)
        if isinstance(value, (int, float)) or (isinstance(value, (dict, str)) and 0 < len(value) <= _LONGEST_TEXT):
            figures[name] = value
    return figures
