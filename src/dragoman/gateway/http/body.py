"""A request's body: read within the limits, parsed, and refused with the place of the fault."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from dragoman.dialects.framing.surrogates import loads
from dragoman.errors import BadRequestError, RequestTooLargeError, ServiceUnavailableError, Timeout
from dragoman.gateway._json_bounds import holds_more_than, is_deeper_than
from dragoman.gateway.http.disconnect import ClientDisconnected
from dragoman.gateway.http.exchange import Receive
from dragoman.settings.readers import number, seconds, whole
from dragoman.settings.setting import setting

__all__ = ["BodyBudget", "BodyLimits", "parse_object", "read_body", "take_body"]

_MB = 2**20
_LARGE = 256 * 1024
"""Bytes of a body from which on reading it is left to a thread, so that other callers are served meanwhile."""
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How much of a request is read before it is understood."""

    max_request_bytes: int = setting(
        32 * _MB,
        number(0.001, 4096),
        "the largest body of a request",
        name="max_request_size_mb",
        factor=_MB,
    )
    max_total_request_bytes: int = setting(
        256 * _MB,
        number(0.001, 1_048_576),
        "the most that all bodies being received may hold together, at least one of the largest; beyond it a request gets a "
        "503 with `Retry-After`. A body counts until it is parsed, not for as long as its call runs",
        name="max_total_request_size_mb",
        factor=_MB,
    )
    max_json_depth: int = setting(100, whole(1, 500), "the deepest nesting of its JSON")
    max_json_values: int = setting(1_000_000, whole(1), "the most values in it")
    body_timeout: float = setting(60.0, seconds, "the longest time that it may take to arrive")


class BodyBudget:
    """The memory that all bodies together may take while they are received and parsed."""

    def __init__(self, limits: BodyLimits) -> None:
        self.total = max(limits.max_total_request_bytes, limits.max_request_bytes)
        self.taken = 0

    @contextlib.contextmanager
    def lease(self) -> Iterator[Callable[[int], None]]:
        """A function that takes bytes out of the budget; all are given back on leaving. It raises `ServiceUnavailableError` where
        none are left."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if self.taken + size > self.total:
                raise ServiceUnavailableError(
                    "the gateway is receiving too many large requests; try again", code="gateway_busy", retry_after=1
                )
            self.taken += size
            taken += size

        try:
            yield take
        finally:
            self.taken -= taken


async def read_body(
    receive: Receive, declared: str | None, limits: BodyLimits, take: Callable[[int], None] | None = None
) -> bytes:
    """The whole body, without a byte order mark. `declared` is its content-length, where the caller told one; `take` counts what
    has arrived against a `BodyBudget`."""
    if declared is not None and declared.isdigit() and int(declared) > limits.max_request_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_timeout):
            body = await _receive_all(receive, limits, take)
    except TimeoutError:
        raise Timeout(f"the request's body did not arrive within {limits.body_timeout:g} s") from None
    return body.removeprefix(codecs.BOM_UTF8)


async def take_body(
    receive: Receive, headers: Mapping[str, str], limits: BodyLimits, budget: BodyBudget, read: Callable[[bytes], _Read]
) -> _Read:
    """What `read` makes of the body, which counts against `budget` until then. `headers`: the request's, names in lower case."""
    if headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise BadRequestError("a compressed request body is not supported", status_code=415)
    with budget.lease() as take:
        raw = await read_body(receive, headers.get("content-length"), limits, take)
        return read(raw) if len(raw) < _LARGE else await asyncio.to_thread(read, raw)


async def _receive_all(receive: Receive, limits: BodyLimits, take: Callable[[int], None] | None) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limits.max_request_bytes:
            raise _too_large(limits)
        if take is not None:
            take(len(part))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else part


def _too_large(limits: BodyLimits) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the request's body is larger than the {limits.max_request_bytes / 2**20:g} MB that this gateway takes"
    )


def parse_object(raw: bytes, limits: BodyLimits) -> dict[str, Any]:
    """The JSON object in `raw`. Raises `BadRequestError`."""
    if not raw.strip():
        raise _malformed("the request's body is empty; expected a JSON object")
    # Before parsing, because three bytes (`[],`) become a list of 56.
    if holds_more_than(limits.max_json_values, raw):
        raise BadRequestError(f"the request's body holds more than {limits.max_json_values} values")
    try:
        value = loads(raw)
    except orjson.JSONDecodeError as error:
        message = f"the request's body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise _malformed(message) from None
    if not isinstance(value, dict):
        raise _malformed("the request's body must be a JSON object")
    if is_deeper_than(limits.max_json_depth, value, raw):
        raise BadRequestError(f"the request's body is nested deeper than {limits.max_json_depth} levels")
    return value


def _malformed(message: str) -> BadRequestError:
    return BadRequestError(message, code="invalid_json")
