"""A request's body: read within the limits, parsed, and refused with the place of the fault. Pure but for `read_body`."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import orjson

from dragoman.errors import BadRequestError, RequestTooLargeError, Timeout
from dragoman.gateway._exchange import CallerLeft, Receive

__all__ = ["Limits", "parse_object", "read_body"]

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may cost before it is understood."""

    max_request_bytes: int = 32 * 1024 * 1024
    max_json_depth: int = 100
    max_json_values: int = 1_000_000
    body_timeout: float = 60.0
    """Seconds for a body to arrive."""


async def read_body(receive: Receive, declared: str | None, limits: Limits) -> bytes:
    """The whole body. `declared` is its content-length, where the caller told one."""
    if declared is not None and declared.isdigit() and int(declared) > limits.max_request_bytes:
        raise _too_large(limits)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise CallerLeft
    body: bytes = message.get("body", b"")
    if len(body) > limits.max_request_bytes:
        raise _too_large(limits)
    if not message.get("more_body"):
        return body
    try:
        async with asyncio.timeout(limits.body_timeout):
            return await _rest(receive, body, limits)
    except TimeoutError:
        raise Timeout(f"the request's body did not arrive within {limits.body_timeout:g} s") from None


async def _rest(receive: Receive, first: bytes, limits: Limits) -> bytes:
    parts, size = [first], len(first)
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limits.max_request_bytes:
            raise _too_large(limits)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _too_large(limits: Limits) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"the request's body is larger than the {limits.max_request_bytes / 2**20:g} MB that this gateway takes"
    )


def parse_object(raw: bytes, limits: Limits) -> dict[str, Any]:
    """The JSON object in `raw`. Raises `BadRequestError`."""
    if not raw.strip():
        raise _malformed("the request's body is empty; expected a JSON object")
    _check_count(raw, limits)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        message = f"the request's body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        raise _malformed(message) from None
    if not isinstance(value, dict):
        raise _malformed("the request's body must be a JSON object")
    _check_depth(value, raw, limits)
    return value


def _malformed(message: str) -> BadRequestError:
    return BadRequestError(message, code="invalid_json")


def _check_count(raw: bytes, limits: Limits) -> None:
    """Before parsing, because three bytes (`[],`) become a list of 56. The cheap count includes what stands inside of
    strings, so a body that exceeds it is counted again without them. A short body cannot hold as many."""
    if len(raw) <= limits.max_json_values or _signs(raw) <= limits.max_json_values:
        return
    if _signs(_STRING.sub(b"", raw)) > limits.max_json_values:
        raise BadRequestError(f"the request's body holds more than {limits.max_json_values} values")


def _signs(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _check_depth(value: dict[str, Any], raw: bytes, limits: Limits) -> None:
    if raw.count(b"{") + raw.count(b"[") <= limits.max_json_depth:
        return
    level: list[Any] = [value]
    for _ in range(limits.max_json_depth):
        level = [
            item
            for parent in level
            for item in (parent.values() if type(parent) is dict else parent)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return
    raise BadRequestError(f"the request's body is nested deeper than {limits.max_json_depth} levels")
