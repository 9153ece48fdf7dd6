"""The headers of a request, each name once."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.errors import BadRequestError
from dragoman.gateway.http.exchange import Scope

__all__ = ["check_head", "joined_headers"]

_ONCE = (
    "host",
    "origin",
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "content-length",
    "content-encoding",
)
"""What decides who calls and how a body is read. A proxy in front might take the first line of several, and we the last."""


def joined_headers(scope: Scope) -> dict[str, str]:
    """Names in lower case. The values of several lines are joined, as RFC 9110 (5.3) says."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def check_head(scope: Scope, headers: Mapping[str, str]) -> None:
    """Raise `BadRequestError` for a head that two readers may understand in two ways."""
    lines = scope["headers"]
    if len(lines) != len(headers):
        names = [name.decode("latin-1") for name, _ in lines]
        for name in _ONCE:
            if names.count(name) > 1:
                raise BadRequestError(f"the header {name} was sent more than once", param=name, code="duplicate_header")
    # HTTP/1.0 has no such header (RFC 9112, 3.2), and health checks of load balancers speak it.
    if "host" not in headers and scope.get("http_version", "1.1") == "1.1":
        raise BadRequestError("the header host is missing", param="host", code="missing_header")
