"""The request that a credential signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["HttpRequest"]


class HttpRequest(NamedTuple):
    """One HTTP request, complete but for its signature, and then with it. Nothing may be changed after it is signed."""

    method: str
    url: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes | None = None

    def with_header(self, name: str, value: str) -> HttpRequest:
        """Return the request with one more header. A header that the request has already stays: its sender has set it."""
        headers = self.headers
        if name in headers:
            return self
        return HttpRequest(self.method, self.url, {**headers, name: value}, self.body)
