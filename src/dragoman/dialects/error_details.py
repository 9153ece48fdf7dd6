"""Build our errors from a provider's: when to come back, and what the body says.

All of it is cut to size before any pattern sees it, for a provider may send anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import orjson

from dragoman.dialects.codec import ErrorReply, ReplyContext
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.redaction import scrub, scrub_json
from dragoman.errors import APIError, APIStatusError, InternalServerError, RateLimitError, error_for_status

__all__ = [
    "MAX_ERROR_BYTES",
    "build",
    "error_body",
    "excerpt",
    "json_or_none",
    "plain_text",
    "reply_of",
    "retry_after",
    "shown",
]

MAX_ERROR_BYTES = 64 * 1024
"""As much is read of an error's body."""

_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-goog-request-id", "cf-ray")
_TAG = re.compile(r"<[^<>]*>")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|d|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_REMAINING = re.compile(r"(?:x|anthropic)-ratelimit-(.+-)?remaining(-.+)?\Z")
_MAX_MESSAGE = 4000
_MAX_WORD = 256
"""Characters of a code, a parameter's name or an id."""
_MAX_MOMENT = 64
"""Characters of a header that says when to come back."""
_LONGEST_WAIT = 366 * 86400.0
"""Seconds; a longer wait is taken for an error of the provider."""
_MAX_DEPTH = 32
_YEAR_2001 = 978307200.0
"""A number of seconds above this is a moment, not a duration."""


def json_or_none(body: bytes) -> Any:
    """Return `body` parsed, or None where it is not JSON."""
    try:
        return loads(body)
    except orjson.JSONDecodeError:
        return None


def error_body(reply: ErrorReply) -> Any:
    """Return the parsed body of an error, or what of it fits into one; None where it is not JSON."""
    return excerpt(json_or_none(reply.body))


def excerpt(value: Any) -> Any:
    """Return a JSON value cut to `MAX_ERROR_BYTES` characters and to a depth that everything can walk through."""
    return _Excerpt().of(value, 0)


def shown(body: Any) -> Any:
    """Return what an error tells of a body that cannot be read: an excerpt without keys."""
    return scrub_json(excerpt(body))


class _Excerpt:
    """Counts what is left of the room for one value."""

    def __init__(self) -> None:
        self._room = MAX_ERROR_BYTES

    def of(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            value = value[: max(0, self._room)]
            self._room -= len(value)
        elif isinstance(value, (list, dict)):
            if depth > _MAX_DEPTH:
                return None
            return self._items(value, depth + 1) if isinstance(value, list) else self._fields(value, depth + 1)
        return value

    def _items(self, value: list[Any], depth: int) -> list[Any]:
        return [self.of(item, depth) for item in value if self._fits()]

    def _fields(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        return {self.of(key, depth): self.of(item, depth) for key, item in value.items() if self._fits()}

    def _fits(self) -> bool:
        self._room -= 8  # brackets, commas, numbers
        return self._room > 0


def plain_text(body: bytes) -> str:
    """Return the text of a body that is not JSON, or the title of a page of HTML. Empty where there is none."""
    body = body[: 16 * _MAX_MESSAGE]
    lower = body.lower()
    if b"<html" in lower[:1000] or lower.lstrip().startswith(b"<!doctype"):
        title = _between_tags(body, lower, b"title") or _between_tags(body, lower, b"h1")
        text = unescape(_TAG.sub(" ", (title or body).decode("utf-8", "replace")))
    else:
        text = body.decode("utf-8", "replace")
    return " ".join(text.split())[:_MAX_MESSAGE]


def _between_tags(body: bytes, lower: bytes, tag: bytes) -> bytes:
    """Return what stands in the first such element; empty where it is not closed."""
    start = lower.find(b">", lower.find(b"<" + tag) + 1) + 1
    end = lower.find(b"</" + tag, start)
    return body[start:end] if lower.find(b"<" + tag) >= 0 and 0 < start < end else b""


def retry_after(headers: Mapping[str, str], *, limited: bool = True) -> float | None:
    """Return the seconds to wait that the headers (names in lower case) ask for; None where they ask for none.

    `limited` says that the reply is about a rate limit: only then do the `*-ratelimit-*-reset` headers mean a wait.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    if "retry-after" in headers:
        waited = _wait(headers["retry-after"], headers)
        if waited is not None:
            return waited
    return _from_limits(headers) if limited else None


def _from_limits(headers: Mapping[str, str]) -> float | None:
    """Return the longest reset among the limits that are used up; where none is, that of the tokens (fewer left than needed)."""
    used_up: list[float] = []
    fallback: float | None = None
    for name, value in headers.items():
        if not _REMAINING.match(name):
            continue
        wait = _wait(headers.get(name.replace("remaining", "reset"), ""), headers)
        if wait is None:
            continue
        if _number(value) == 0:
            used_up.append(wait)
        elif "tokens" in name:
            fallback = max(wait, fallback or 0.0)
    return max(used_up, default=fallback)


def _wait(value: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds in `6`, `1m30.5s`, an HTTP date, an RFC 3339 moment or Unix (milli)seconds. Moments count from the
    reply's own date."""
    value = value.strip()
    if len(value) > _MAX_MOMENT:
        return None
    number = _number(value)
    if number is not None and number < _YEAR_2001:
        return number
    duration = _duration(value)
    if duration is not None:
        return duration
    now = _moment(headers.get("date", ""))
    then = _moment(value) if number is None else number / (1000 if number > _YEAR_2001 * 100 else 1)
    return None if now is None or then is None else max(0.0, then - now)


def _duration(value: str) -> float | None:
    pieces = _DURATION.findall(value)
    if not pieces or "".join(amount + unit for amount, unit in pieces) != value:
        return None
    return sum(float(amount) * _SECONDS[unit] for amount, unit in pieces)


def _number(value: str | None) -> float | None:
    try:
        number = float(value) if value is not None and len(value) <= _MAX_MOMENT else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _moment(value: str) -> float | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat) if len(value) <= _MAX_MOMENT else ():
        try:
            moment = parse(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def build(
    kind: type[APIError] | int,
    reply: ErrorReply,
    *,
    message: str,
    code: str | None = None,
    provider_code: object = None,
    param: object = None,
    type: str | None = None,
    body: Any = None,
    wait: float | None = None,
) -> APIError:
    """Return the error for `reply`: of the class `kind`, or of the class for the HTTP status `kind`. Secrets are scrubbed.

    `message` may be empty; `body` is the parsed body; `wait` wins over what the headers say about coming back.
    """
    cls = error_for_status(kind) if isinstance(kind, int) else kind
    text = message.strip() or plain_text(reply.body) or f"{reply.provider} answered with status {reply.status}"
    if wait is None:
        wait = retry_after(reply.headers, limited=issubclass(cls, RateLimitError))
    return cls(
        scrub(text[:_MAX_MESSAGE]),
        status_code=_status(cls, reply.status),
        code=code,
        provider_code=None if provider_code is None else scrub(str(provider_code)[:_MAX_WORD]),
        param=_word(param),
        type=_word(type),
        provider=reply.provider,
        model=reply.model,
        retry_after=wait if wait is not None and 0 <= wait <= _LONGEST_WAIT else None,
        body=scrub_json(body) if body is not None else scrub(plain_text(reply.body)),
        request_id=next(filter(None, (_word(reply.headers.get(name)) for name in _REQUEST_IDS)), None),
    )


def _status(cls: type[APIError], status: int) -> int | None:
    """Return the reply's own status where the class stands for any; None for that of the class."""
    # A 400 for what the model itself got wrong is reported as the 500 that it is.
    catch_all = cls is APIStatusError or (cls is InternalServerError and status >= 500)
    return status if catch_all and status >= 400 else None


def _word(value: object) -> str | None:
    """Return a name or an id cut to size; None for an empty one or for what is no text."""
    return scrub(value[:_MAX_WORD]) if isinstance(value, str) and value else None


def reply_of(body: Any, context: ReplyContext, status: int = 200) -> ErrorReply:
    """Return an error that came inside a successful reply or a stream, as if it had come by itself. `body` is parsed, or bytes."""
    raw = body if isinstance(body, bytes) else orjson.dumps(excerpt(body), default=str)
    return ErrorReply(context.provider, context.model, status, {}, raw)
