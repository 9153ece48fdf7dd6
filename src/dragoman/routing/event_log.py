"""Log what happens to calls: a listener that writes events as lines of the logger `dragoman.routing`.

The SDK and the gateway both use it, so both log the same lines. It keeps no state of its own."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from dragoman.observe import (
    AttemptEnded,
    CallFailed,
    CallSucceeded,
    CircuitClosed,
    CircuitOpened,
    Event,
    FallbackStarted,
    HealthChecked,
    StreamResumed,
)

__all__ = ["log_event"]

_log = logging.getLogger("dragoman.routing")
# Failures that retries and fallbacks mend are not worth the standard error of every program: without this handler Python
# would print warnings where the application has set up no logging.
_log.addHandler(logging.NullHandler())
_CODE = re.compile(r"[\w.:-]{1,64}")
"""Codes are words. What is none may be a text that a provider repeats."""
_LOST_ON_PURPOSE = frozenset({"Hedged", "Cancelled", "CancelledError"})
"""The slower one of two deployments that were asked, and calls whose callers left."""


def log_event(event: Event) -> None:
    """Log what is out of the ordinary as warnings, and the ends of calls for debugging.

    The words of callers and providers are left out."""
    write = _LINES.get(type(event))
    if write is not None:
        write(event)


def _attempt_ended(event: AttemptEnded) -> None:
    made = event.attempt
    if made.error is None:
        return
    level = logging.DEBUG if made.error in _LOST_ON_PURPOSE else logging.WARNING
    reason = _reason(made.error, made.status, made.code)
    _write(
        level,
        "attempt_failed",
        ("%s (%s/%s) failed: %s", made.deployment, made.provider, made.model, reason),
        request_id=event.request_id,
        deployment=made.deployment,
        error=made.error,
        status=made.status,
        milliseconds=round(made.milliseconds, 1),
    )


def _reason(error: str, status: int | None, code: str) -> str:
    parts = (str(status or ""), error, f"({code})" if _CODE.fullmatch(code) else "")
    return " ".join(filter(None, parts))


def _circuit_opened(event: CircuitOpened) -> None:
    seconds = max(0.0, event.until - time.time())
    _write(
        logging.WARNING,
        "taken_out",
        ("%s is taken out for %.3g s: %s", _subject(event), seconds, event.reason),
        deployment=event.key,
        error=event.error,
    )


def _circuit_closed(event: CircuitClosed) -> None:
    _write(logging.WARNING, "put_back", ("%s works again and is put back", _subject(event)), deployment=event.key)


def _subject(event: CircuitOpened | CircuitClosed) -> str:
    """Return what is out: a deployment, or a credential with the deployment that showed it."""
    if event.key.startswith("credential:") and event.deployment:
        return f"the key of {event.deployment} ({event.key})"
    return event.key


def _fallback_started(event: FallbackStarted) -> None:
    _write(
        logging.WARNING,
        "fell_back",
        ("%s failed (%s), the call goes on to %s", event.alias, event.error, event.fallback),
        request_id=event.request_id,
        fallback=event.fallback,
        error=event.error,
    )


def _stream_resumed(event: StreamResumed) -> None:
    _write(
        logging.WARNING,
        "continued",
        ("the stream of %s broke off, %s goes on", event.broken.deployment, event.deployment),
        request_id=event.request_id,
        deployment=event.deployment,
    )


def _call_succeeded(event: CallSucceeded) -> None:
    if not _log.isEnabledFor(logging.DEBUG):
        return
    record = event.record
    answering = record.answering
    _write(
        logging.DEBUG,
        "answered",
        ("%s (%s/%s) answered: %s", record.deployment, record.provider, record.answered_model, record.operation),
        request_id=event.request_id,
        deployment=record.deployment,
        milliseconds=round(answering.milliseconds, 1) if answering else None,
    )


def _call_failed(event: CallFailed) -> None:
    """Warn of a stream that broke off. What failed before its answer began has been told by its attempts."""
    record = event.record
    if not record.deployment_at_fault:
        message = ("the %s of %s failed: %s", record.operation, record.model, record.error)
        _write(logging.DEBUG, "failed", message, request_id=event.request_id, error=record.error)
    else:
        _write(
            logging.WARNING,
            "broke_off",
            ("the stream of %s broke off: %s", record.deployment_at_fault, record.error),
            request_id=event.request_id,
            deployment=record.deployment_at_fault,
            error=record.error,
        )


def _health_checked(event: HealthChecked) -> None:
    if event.reason:
        _write(
            logging.WARNING,
            "check_failed",
            ("the health check of %s failed: %s: %s", event.deployment, event.outcome, event.reason),
            deployment=event.deployment,
        )


_LINES: Mapping[type, Callable[[Any], None]] = {
    AttemptEnded: _attempt_ended,
    CircuitOpened: _circuit_opened,
    CircuitClosed: _circuit_closed,
    FallbackStarted: _fallback_started,
    StreamResumed: _stream_resumed,
    CallSucceeded: _call_succeeded,
    CallFailed: _call_failed,
    HealthChecked: _health_checked,
}


def _write(level: int, name: str, message: tuple[object, ...], **fields: Any) -> None:
    _log.log(level, *message, extra={"event": name, **fields})
