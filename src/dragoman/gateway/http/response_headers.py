"""Every header of an answer that speaks of its call or its error: one row each, from the header's name to its value.

To add a header, add a row, and a line to docs/headers.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

from dragoman.errors import DragomanError
from dragoman.gateway.http.attempt_log import attempt_log
from dragoman.gateway.http.exchange import LONGEST_VALUE, Headers, header
from dragoman.gateway.logs.redactor import Redactor
from dragoman.gateway.wording import cost_text
from dragoman.types.call_record import CallRecord
from dragoman.types.cost import dollars

__all__ = ["CALL_HEADERS", "ERROR_HEADERS", "PROVIDER_PREFIX", "call_headers", "error_headers"]

_CallValue: TypeAlias = Callable[[CallRecord], str]
_ErrorValue: TypeAlias = Callable[[DragomanError], str]

PROVIDER_PREFIX = b"llm_provider-"
_FROM_PROVIDER = ("x-ratelimit-", "anthropic-ratelimit-", "request-id", "x-request-id", "retry-after")
"""How the names of those of the provider's headers begin that a caller may want to see."""
_MOST_FROM_PROVIDER = 32
_LONGEST_FROM_PROVIDER = 256
"""Bytes of a name or a value. Proxies before a gateway refuse an answer whose head is too large."""


def _unpriced_usage(record: CallRecord) -> str:
    cost = record.cost
    return ", ".join(cost.unpriced) if cost is not None and cost.unpriced and cost.total is not None else ""


def _reported_cost(record: CallRecord) -> str:
    cost = record.cost
    return dollars(cost.reported) if cost is not None and cost.reported is not None else ""


CALL_HEADERS: tuple[tuple[bytes, _CallValue], ...] = (
    (b"x-dragoman-model", lambda record: record.last_model or record.model),
    (b"x-dragoman-provider", attrgetter("last_provider")),
    (b"x-dragoman-attempts", lambda record: str(len(record.attempts))),
    (b"x-dragoman-deployment", attrgetter("answering_deployment")),
    (b"x-dragoman-fallback", lambda record: record.fallback if record.provider else ""),
    (b"x-dragoman-attempt-log", lambda record: attempt_log(record.attempts) if record.attempts else ""),
    (b"x-dragoman-dropped-params", lambda record: ", ".join(record.dropped)),
    # A stream sends its headers before its cost is known.
    (b"x-dragoman-cost", lambda record: cost_text(record.cost) if record.is_settled else ""),
    (b"x-dragoman-cost-without", _unpriced_usage),
    (b"x-dragoman-cost-reported", _reported_cost),
)
"""An empty value: the header is not sent."""

ERROR_HEADERS: tuple[tuple[bytes, _ErrorValue], ...] = (
    (
        b"retry-after",
        lambda error: "" if error.retry_after is None else str(max(1, math.ceil(error.retry_after))),
    ),
    # The official SDKs of OpenAI and Anthropic obey it, whatever the status.
    (b"x-should-retry", lambda error: "false" if error.should_retry is False else ""),
    # RFC 9110, 15.5.22: the answer to an upgrade names the protocol that is served.
    (b"connection", lambda error: "close" if error.status_code == 426 else ""),
    (b"upgrade", lambda error: "HTTP/1.1" if error.status_code == 426 else ""),
)


def call_headers(record: CallRecord, redactor: Redactor) -> Headers:
    """Return what is known of a call by now, without the keys of this server."""
    headers = _headers(CALL_HEADERS, record, redactor)
    return headers + _from_provider(record.provider_headers, redactor) if record.provider_headers else headers


def error_headers(error: DragomanError, redactor: Redactor) -> Headers:
    return _headers(ERROR_HEADERS, error, redactor)


def _headers(table: tuple[tuple[bytes, Callable[[Any], str]], ...], source: Any, redactor: Redactor) -> Headers:
    pairs = list(filter(itemgetter(1), [(name, value_of(source)) for name, value_of in table]))
    # Almost every answer is plain, so that one look at all values together saves one at each of them.
    every = " ".join([value for _, value in pairs])
    if redactor.text(every) != every:
        pairs = [(name, redactor.text(value)) for name, value in pairs]
    elif every.isascii() and every.isprintable() and len(every) <= LONGEST_VALUE:  # each of them is, then
        return [(name, value.encode()) for name, value in pairs]
    return [header(name, value) for name, value in pairs]


def _from_provider(headers: Mapping[str, str], redactor: Redactor) -> Headers:
    """Return the provider's own headers. One that is not fit to be sent on is left out: it must not cost the answer."""
    selected: Headers = []
    for name, value in headers.items():
        if name.startswith(_FROM_PROVIDER) and name.isascii() and len(name) <= _LONGEST_FROM_PROVIDER:
            selected.append(header(PROVIDER_PREFIX + name.encode(), redactor.text(value), _LONGEST_FROM_PROVIDER))
            if len(selected) == _MOST_FROM_PROVIDER:
                break
    return selected
