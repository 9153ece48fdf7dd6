"""Turn the errors of aiohttp, TLS and the system into Dragoman's own, free of secrets."""

from __future__ import annotations

import errno
import os
import ssl
from asyncio import IncompleteReadError
from collections.abc import Callable
from typing import Any, NamedTuple

from aiohttp import client_exceptions as theirs
from aiohttp import http_exceptions as parsing

from dragoman.errors import APIConnectionError

__all__ = ["forget_frames", "map_error"]


class _Kind(NamedTuple):
    code: str
    text: str


_REFUSED = _Kind("connection_refused", "the connection was refused")
_RESET = _Kind("connection_reset", "the connection was reset")
_UNREACHABLE = _Kind("connection_error", "the host cannot be reached")
_INVALID = _Kind("invalid_response", "the answer is not valid HTTP, or its headers are too large")
_CLOSED = _Kind("connection_closed", "the connection was closed before the whole answer was here")
_PROXY = _Kind("proxy_error", "the proxy did not let the connection through")

_BY_CLASS: tuple[tuple[type[BaseException], _Kind], ...] = (
    (theirs.ClientConnectorDNSError, _Kind("dns_failure", "its name cannot be resolved")),
    (theirs.ClientProxyConnectionError, _Kind("proxy_error", "the proxy cannot be reached")),
    (theirs.ClientHttpProxyError, _PROXY),
    (ssl.SSLCertVerificationError, _Kind("tls_failure", "its TLS certificate is not accepted")),
    (theirs.ClientSSLError, _Kind("tls_failure", "TLS could not be agreed on")),
    (ssl.SSLError, _Kind("tls_failure", "TLS failed")),
    (theirs.ServerDisconnectedError, _CLOSED),
    (theirs.ClientPayloadError, _CLOSED),
    (IncompleteReadError, _CLOSED),
    (parsing.HttpProcessingError, _INVALID),
    (theirs.ClientResponseError, _INVALID),
    (theirs.InvalidURL, _Kind("invalid_url", "the URL is not valid")),
    (ConnectionResetError, _RESET),
    (BrokenPipeError, _RESET),
    (theirs.ClientConnectionError, _UNREACHABLE),
    (OSError, _UNREACHABLE),
)
"""The first class that fits counts. An error of another class is not the network's, and stays what it is."""

_BY_ERRNO = {errno.ECONNREFUSED: _REFUSED, errno.ECONNRESET: _RESET, errno.EPIPE: _RESET}

_TELLING_ERRNOS = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EMFILE, errno.EADDRNOTAVAIL})


def map_error(error: BaseException, place: str) -> APIConnectionError | None:
    """Return our error for a foreign one, or None if it is not the network's."""
    for kind_of, kind in _BY_CLASS:
        if isinstance(error, kind_of):
            kind = _by_cause(error, kind)
            detail = _detail(error)
            forget_frames(error)
            return APIConnectionError(f"{place}: {kind.text}{detail and f' ({detail})'}", code=kind.code)
    return None


def forget_frames(error: BaseException) -> None:
    """Remove the traceback of an error that something keeps after it was raised, as aiohttp's connections and readers do.

    The traceback names frames that hold that keeper, and all that was read would stay until the garbage collector runs."""
    error.__traceback__ = None


def _by_cause(error: BaseException, kind: _Kind) -> _Kind:
    if isinstance(error, theirs.ClientPayloadError):
        return _by_broken_body(error)
    if kind is _UNREACHABLE and isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0, kind)
    return kind


def _by_broken_body(error: theirs.ClientPayloadError) -> _Kind:
    cause = error.__cause__
    if isinstance(cause, parsing.ContentEncodingError):
        return _Kind("invalid_response", "the body cannot be decompressed")
    if isinstance(cause, parsing.TransferEncodingError | parsing.ContentLengthError):
        return _CLOSED
    return _INVALID if isinstance(cause, parsing.HttpProcessingError) else _CLOSED


def _detail(error: BaseException) -> str:
    """Return what may be shown of an error: never a URL, a header, or text that the server wrote."""
    error = _cause(error)
    return next((describe(error) for kind, describe in _DETAILS if isinstance(error, kind)), "")


def _cause(error: BaseException) -> BaseException:
    """Return the error of TLS or the system that aiohttp has wrapped."""
    if isinstance(error, theirs.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, theirs.ClientConnectorError) and not isinstance(error, theirs.ClientConnectorDNSError):
        return error.os_error
    return error


_DETAILS: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (ssl.SSLCertVerificationError, lambda error: error.verify_message or ""),
    (ssl.SSLError, lambda error: (error.reason or "").lower().replace("_", " ")),
    (theirs.ClientHttpProxyError, lambda error: f"status {error.status}"),
    (OSError, lambda error: os.strerror(error.errno).lower() if error.errno in _TELLING_ERRNOS else ""),
)
"""The first class that fits counts."""
