"""What a URL comes to on the wire: the peer to connect to, and the lines before the caller's headers."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import ClientRequest
from aiohttp.hdrs import ACCEPT_ENCODING
from yarl import URL

from dragoman.errors import APIConnectionError
from dragoman.transport._proxies import Proxies

__all__ = ["Origin", "resolve"]

_CLEAN = re.compile(r"[!-~]+")
_FRAMING = ("connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
"""Headers that say how the bytes are framed. The transport sets them: a caller's own could contradict the body."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Origin:
    """One URL, taken apart."""

    place: str
    """`host:port`, as errors name it."""
    peer: ClientRequest
    """What aiohttp's connector needs: host, port, TLS, proxy. It is never sent."""
    address: str
    """The request target: what stands between the method and the version."""
    headers: Mapping[str, str]
    """Sent unless the caller's headers hold the same name."""

    def head(self, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """Return the request's first line and headers. Raise `APIConnectionError` if a header would break out of its line."""
        fields = dict(self.headers)
        for name, value in headers.items():
            fields[name.lower()] = value
        for name in _FRAMING:
            fields.pop(name, None)
        if body is not None or method not in _BODILESS:
            fields["content-length"] = str(len(body or b""))
        lines = [f"{name}: {value}\r\n" for name, value in fields.items()]
        text = f"{method} {self.address} HTTP/1.1\r\n{''.join(lines)}\r\n"
        ends = len(lines) + 2
        if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
            raise self._broken_header(fields)
        return text.encode()

    def _broken_header(self, fields: Mapping[str, str]) -> APIConnectionError:
        broken = next((name for name, value in fields.items() if re.search(r"[\r\n\0]", f"{name}{value}")), "")
        return APIConnectionError(
            f"{self.place}: the header {broken!r} has a line break or a null character in it", code="invalid_header"
        )


def resolve(url: str, loop: asyncio.AbstractEventLoop, proxies: Proxies | None) -> Origin:
    """Return what `url` comes to on the wire. Raise `APIConnectionError` if it is not an HTTP URL."""
    parsed, host, port = _parsed(url)
    place = f"{parsed.host_subcomponent}:{port}"
    proxy = _proxy(proxies.find(parsed.scheme, host, port) if proxies else None, place)
    headers = {
        "host": parsed.host_port_subcomponent or place,
        "accept": "*/*",
        # The encodings that this installation of aiohttp can undo.
        "accept-encoding": ClientRequest.DEFAULT_HEADERS[ACCEPT_ENCODING],
        "user-agent": "dragoman",
    }
    if parsed.user or parsed.password:
        headers["authorization"] = _basic(parsed)
    address = parsed.raw_path_qs
    if proxy is not None and parsed.scheme == "http":
        # A plain request is handed to the proxy itself. A TLS one goes through a tunnel, and the proxy sees none of it.
        address = str(parsed.with_user(None).with_fragment(None))
        if proxy.user or proxy.password:
            headers["proxy-authorization"] = _basic(proxy)
    peer = ClientRequest("GET", parsed.origin(), loop=loop, proxy=proxy)
    return Origin(place, peer, address, headers)


def _parsed(url: str) -> tuple[URL, str, int]:
    """Return an HTTP URL, its host and its port."""
    try:
        # A clean URL is sent as it stands: quoting it anew would break the signature of one that is signed.
        parsed = URL(url, encoded=_CLEAN.fullmatch(url) is not None)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        raise _invalid("is not valid") from None
    if parsed.scheme not in {"http", "https"} or not host or not port:
        raise _invalid("needs a host, and http or https as its scheme")
    return parsed, host, port


def _proxy(address: str | None, place: str) -> URL | None:
    if address is None:
        return None
    try:
        proxy = URL(address)
        if proxy.scheme in {"http", "https"} and proxy.raw_host:
            return proxy
    except ValueError:
        pass
    raise APIConnectionError(f"{place}: the proxy in the environment is not an HTTP proxy", code="proxy_error")


def _basic(url: URL) -> str:
    return "Basic " + base64.b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()


def _invalid(reason: str) -> APIConnectionError:
    return APIConnectionError(f"The provider's URL {reason}", code="invalid_url")
