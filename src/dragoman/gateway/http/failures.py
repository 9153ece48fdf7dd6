"""A call that failed, told to the caller in his dialect: what went wrong, never a trace of ours, never a key."""

from __future__ import annotations

import asyncio
import logging
import math

import orjson

from dragoman.errors import APIError, DragomanError, ServiceUnavailableError
from dragoman.gateway.http.attempt_headers import attempt_headers, note_error
from dragoman.gateway.http.exchange import Exchange, Headers, header
from dragoman.gateway.logs.redactor import Redactor

__all__ = ["error_bytes", "reply_error", "to_dragoman_error"]

_log = logging.getLogger("dragoman.gateway")


def to_dragoman_error(error: BaseException, exchange: Exchange) -> DragomanError:
    """What is told about `error`. What we did not foresee is logged here, and told without its words."""
    if isinstance(error, DragomanError):
        return error
    if isinstance(error, asyncio.CancelledError):
        _uncancel()
        return ServiceUnavailableError("the gateway is stopping; try again", code="shutting_down", retry_after=1)
    if not isinstance(error, Exception):
        raise error
    _log.error("request %s failed unexpectedly", exchange.request_id, exc_info=error)
    return APIError(
        f"the gateway failed to answer; the request's id is {exchange.request_id}",
        status_code=500,
        code="internal_error",
    )


def _uncancel() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def error_bytes(exchange: Exchange, error: DragomanError, redactor: Redactor) -> bytes:
    return redactor.bytes(orjson.dumps(exchange.dialect.write_error(error)))


async def reply_error(
    exchange: Exchange, error: DragomanError, redactor: Redactor, headers: Headers | None = None
) -> None:
    """A whole error answer."""
    exchange.error = type(error).__name__
    status = error.status_code if 400 <= error.status_code < 600 else 500
    status = exchange.dialect.statuses.get(status, status)
    await exchange.reply(
        status, error_bytes(exchange, error, redactor), [*_about(exchange, error, redactor), *(headers or [])]
    )


def _about(exchange: Exchange, error: DragomanError, redactor: Redactor) -> Headers:
    """The headers that every answer carries, as far as they are known, and when to come back."""
    attempts = getattr(error, "attempts", ())
    note_error(exchange, error)
    model = (attempts[-1].model if attempts else error.model) or exchange.model
    headers = attempt_headers(attempts, "", redactor)
    if model:
        headers.append(header(b"x-dragoman-model", model, 256))
    if exchange.provider:
        headers.append(header(b"x-dragoman-provider", exchange.provider))
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(error.retry_after))))
    if error.should_retry is False:  # the official SDKs of OpenAI and Anthropic obey it, whatever the status
        headers.append((b"x-should-retry", b"false"))
    return headers
