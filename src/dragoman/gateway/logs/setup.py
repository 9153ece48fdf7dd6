"""Where the gateway's log lines go, and what may never stand in them."""

from __future__ import annotations

import datetime
import logging
import re
import sys
from enum import StrEnum
from typing import Any

import orjson

from dragoman.gateway.logs.redactor import Redactor

__all__ = ["Level", "LogFormat", "set_up"]


_FIELDS = (
    "request_id",
    "model",
    "provider",
    "deployment",
    "fallback",
    "attempts",
    "tried",
    "cost",
    "error",
    "milliseconds",
)
_MORE_FIELDS = ("event", "status", "operation", "stream", "answered_by", "usage")
"""In lines for programs only: with them `dragoman replay` can price a call anew."""
_EVENT_FIELDS = ("request_id", "milliseconds")
"""In lines for people whose message says the rest."""
_LOGGERS = ("dragoman", "uvicorn", "asyncio", "aiohttp")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
"""What a caller could forge a line with, or control the reader's terminal."""


class Level(StrEnum):
    """The least important lines that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class LogFormat(StrEnum):
    """How lines look."""

    HUMAN = "human"
    JSON = "json"


class _Line(logging.Formatter):
    """`time level logger message name=value ...`, without the secrets of this server (in a traceback neither)."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._redactor = redactor

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """ISO 8601 with the zone."""
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC).astimezone()
        return moment.isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(self._whole(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The first line, which is all but a traceback: paths and names of models are the caller's words."""
        fields = _EVENT_FIELDS if hasattr(record, "event") else _FIELDS
        extras = "".join(f" {name}={_words(value)}" for name, value in _extras(record, fields).items())
        return _CONTROL.sub(lambda match: repr(match[0])[1:-1], super().formatMessage(record) + extras)

    def _whole(self, record: logging.LogRecord) -> str:
        return super().format(record)


class _JsonLine(_Line):
    """The same as one JSON object a line."""

    def _whole(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record, (*_FIELDS, *_MORE_FIELDS)),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def _words(value: Any) -> Any:
    """Return a value as a line for people shows it."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, (list, tuple)) else value


def _extras(record: logging.LogRecord, fields: tuple[str, ...] = _FIELDS) -> dict[str, Any]:
    return {name: value for name in fields if (value := getattr(record, name, None)) not in (None, "", ())}


def set_up(redactor: Redactor, *, level: Level, json: bool, requests: bool) -> None:
    """Log to stderr, from a level on, and one line a request where that is wanted."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(_JsonLine(redactor) if json else _Line(redactor))
    least = level.upper()
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [out]
        logger.propagate = False
        # The libraries' own news is none of a gateway's.
        logger.setLevel(least if name == "dragoman" or level in (Level.ERROR, Level.CRITICAL) else logging.WARNING)
    logging.getLogger("dragoman.gateway.requests").setLevel(least if requests else logging.CRITICAL)
