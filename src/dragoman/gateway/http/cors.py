"""Cross-origin requests of web pages: off unless a configuration names origins.

Keys travel in headers of their own and never in cookies, so no answer allows credentials
(https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dragoman.errors import ConfigError
from dragoman.gateway.http.exchange import Headers, header
from dragoman.settings.readers import texts

__all__ = ["ANY", "Cors", "origins"]

ANY = "*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")
_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,2048}")
_SECONDS = b"600"
"""How long a browser may remember what it was allowed. Chrome takes no more than two hours."""


def origins(value: Any, path: str) -> frozenset[str]:
    """Read `*`, or a list of origins such as `https://app.example.com`."""
    names = texts(value, path)
    for number, origin in enumerate(names):
        if origin != ANY and not _ORIGIN.fullmatch(origin.lower()):
            where = path if isinstance(value, str) else f"{path}[{number}]"
            expected = "`*`, or an origin such as https://app.example.com:8443, without a path or a slash at its end"
            raise ConfigError(f"{where}: expected {expected}", param=where)
    return frozenset(origin.lower() for origin in names)


@dataclass(frozen=True, slots=True)
class Cors:
    """Which origins' pages may read answers."""

    origins: frozenset[str] = frozenset()

    def allows(self, origin: str | None) -> bool:
        return origin is not None and (ANY in self.origins or origin.lower() in self.origins)

    def answer_headers(self, headers: Mapping[str, str]) -> Headers:
        """Return what every answer carries, errors too: a page is to see why it is refused."""
        if not self.origins:
            return []
        vary = (b"vary", b"origin")
        origin = headers.get("origin")
        if origin is None or not self.allows(origin):
            return [vary]
        return [
            vary,
            header(b"access-control-allow-origin", ANY if ANY in self.origins else origin),
            (b"access-control-expose-headers", b"*"),
        ]

    def preflight_headers(self, headers: Mapping[str, str], methods: bytes) -> Headers:
        """Return what a browser asks for before it sends a request with a key: which headers and methods it may use."""
        if not self.allows(headers.get("origin")) or "access-control-request-method" not in headers:
            return []
        headers_out = [(b"access-control-allow-methods", methods), (b"access-control-max-age", _SECONDS)]
        names = headers.get("access-control-request-headers", "")
        if _NAMES.fullmatch(names):
            headers_out.append((b"access-control-allow-headers", names.encode()))
        return headers_out
