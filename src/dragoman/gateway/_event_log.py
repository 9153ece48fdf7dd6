"""What happens to the calls, as lines of the log: a reader of events that keeps no state of its own."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from dragoman.observe import Checked, Continued, Event, Failed, FellBack, PutBack, TakenOut, Tried

__all__ = ["log_event"]

_log = logging.getLogger("dragoman.routing")
_CODE = re.compile(r"[\w.:-]{1,64}")
"""Codes are words. What is none may be a text that a provider repeats."""
_LOST_ON_PURPOSE = frozenset({"Hedged", "Cancelled", "CancelledError"})
"""The slower one of two deployments that were asked, and calls whose callers left."""


def log_event(event: Event) -> None:
    """Write what is out of the ordinary, without the words of callers and providers."""
    write = _LINES.get(type(event))
    if write is not None:
        write(event)


def _tried(event: Tried) -> None:
    if event.error is None:
        return
    level = logging.DEBUG if event.error in _LOST_ON_PURPOSE else logging.WARNING
    reason = _reason(event.error, event.status, event.code)
    _write(
        level,
        "attempt_failed",
        ("%s (%s/%s) failed: %s", event.deployment, event.provider, event.model, reason),
        request_id=event.request_id,
        deployment=event.deployment,
        error=event.error,
        status=event.status,
        milliseconds=round(event.milliseconds, 1),
    )


def _reason(error: str, status: int | None, code: str) -> str:
    parts = (str(status or ""), error, f"({code})" if _CODE.fullmatch(code) else "")
    return " ".join(filter(None, parts))


def _taken_out(event: TakenOut) -> None:
    seconds = max(0.0, event.until - time.time())
    _write(
        logging.WARNING,
        "taken_out",
        ("%s is taken out for %.3g s: %s", event.key, seconds, event.reason),
        deployment=event.key,
        error=event.error,
    )


def _put_back(event: PutBack) -> None:
    _write(logging.WARNING, "put_back", ("%s works again and is put back", event.key), deployment=event.key)


def _fell_back(event: FellBack) -> None:
    _write(
        logging.WARNING,
        "fell_back",
        ("%s failed (%s), the call goes on to %s", event.alias, event.error, event.fallback),
        request_id=event.request_id,
        fallback=event.fallback,
        error=event.error,
    )


def _continued(event: Continued) -> None:
    _write(
        logging.WARNING,
        "continued",
        ("the stream of %s broke off, %s goes on", event.broken or event.provider, event.deployment),
        request_id=event.request_id,
        deployment=event.deployment,
    )


def _failed(event: Failed) -> None:
    """Of a stream that broke off; what failed before its answer began is known by its attempts."""
    if event.deployment:
        _write(
            logging.WARNING,
            "broke_off",
            ("the stream of %s broke off: %s", event.deployment, event.error),
            request_id=event.request_id,
            deployment=event.deployment,
            error=event.error,
        )


def _checked(event: Checked) -> None:
    if event.reason:
        _write(
            logging.WARNING,
            "check_failed",
            ("the health check of %s failed: %s: %s", event.deployment, event.outcome, event.reason),
            deployment=event.deployment,
        )


_LINES: Mapping[type, Callable[[Any], None]] = {
    Tried: _tried,
    TakenOut: _taken_out,
    PutBack: _put_back,
    FellBack: _fell_back,
    Continued: _continued,
    Failed: _failed,
    Checked: _checked,
}


def _write(level: int, name: str, message: tuple[object, ...], **fields: Any) -> None:
    _log.log(level, *message, extra={"event": name, **fields})
