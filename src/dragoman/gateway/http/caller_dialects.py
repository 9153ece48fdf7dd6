"""Which dialect a caller speaks, where the path alone does not say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dragoman.dialects.dialect import Dialect

__all__ = ["dialect_of_client", "guess_dialect"]


def dialect_of_client(dialects: Sequence[Dialect], headers: Mapping[str, str], query: bytes) -> Dialect:
    """Return the dialect whose clients send such headers or such a query; the first of `dialects` if there is no sign."""
    for dialect in dialects:
        if any(name in headers for name in dialect.client_headers):
            return dialect
        key = dialect.key_parameter.encode()
        if key and b"&%s=" % key in b"&" + query:
            return dialect
    return dialects[0]


def guess_dialect(dialects: Sequence[Dialect], path: str, headers: Mapping[str, str]) -> Dialect:
    """Return the dialect of the client that probably sends a request to a path that does not exist."""
    for dialect in dialects:
        if path.startswith(dialect.own_paths):
            return dialect
    return dialect_of_client(dialects, headers, b"")
