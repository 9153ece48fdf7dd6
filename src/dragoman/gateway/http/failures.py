"""A request that failed, as its caller's dialect says it: what went wrong, never a trace of ours, never a key."""

from __future__ import annotations

import asyncio
import logging

import orjson

from dragoman.errors import APIError, DragomanError, ServiceUnavailableError
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.response_headers import call_headers, error_headers
from dragoman.gateway.logs.redactor import Redactor

__all__ = ["reply_error", "to_dragoman_error"]

_log = logging.getLogger("dragoman.gateway")


def to_dragoman_error(error: BaseException, exchange: Exchange) -> DragomanError:
    """Return what the caller is told about `error`. An unforeseen one is logged here, and told without its words."""
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


async def reply_error(exchange: Exchange, error: DragomanError, redactor: Redactor) -> None:
    """Send a whole error answer."""
    exchange.error = type(error).__name__
    status = error.status_code if 400 <= error.status_code < 600 else 502
    status = exchange.dialect.statuses.get(status, status)
    data = redactor.bytes(orjson.dumps(exchange.dialect.write_error(error)))
    await exchange.reply(status, data, call_headers(exchange.record, redactor) + error_headers(error, redactor))
