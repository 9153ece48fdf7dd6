"""The table that turns the errors of aiohttp, TLS and the system into ours, free of secrets."""

from __future__ import annotations

import errno
import os
import ssl
from asyncio import IncompleteReadError
from typing import NamedTuple

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
"""The first class that fits counts. What is not here is no network error, and stays what it is."""

_BY_ERRNO = {errno.ECONNREFUSED: _REFUSED, errno.ECONNRESET: _RESET, errno.EPIPE: _RESET}

_WORTH_SAYING = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.EMFILE, errno.EADDRNOTAVAIL})


def map_error(error: BaseException, place: str) -> APIConnectionError | None:
    """The error of ours for a foreign one; None where it is not the network's."""
    for kind_of, kind in _BY_CLASS:
        if isinstance(error, kind_of):
            kind = _by_cause(error, kind)
            detail = _detail(error)
            forget_frames(error)
            return APIConnectionError(f"{place}: {kind.text}{detail and f' ({detail})'}", code=kind.code)
    return None


def forget_frames(error: BaseException) -> None:
    """Take the traceback from an error that something keeps beyond its raising, as aiohttp's connections and readers do: it names
    frames that hold that keeper, and all that was read would stay until the garbage collector comes by."""
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
    """What may be said of it: never a URL, a header, or what the server wrote."""
    if isinstance(error, theirs.ClientConnectorCertificateError):
        error = error.certificate_error
    elif isinstance(error, theirs.ClientConnectorError) and not isinstance(error, theirs.ClientConnectorDNSError):
        error = error.os_error
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or ""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "").lower().replace("_", " ")
    if isinstance(error, theirs.ClientHttpProxyError):
        return f"status {error.status}"
    if isinstance(error, OSError) and error.errno in _WORTH_SAYING:
        return os.strerror(error.errno).lower()
    return ""
