"""What a URL comes to on the wire: whom to connect to, and the lines before the caller's headers."""

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
_OURS = ("connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
"""Headers that say how the bytes are framed. Ours to set: a caller's word could contradict the body."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Origin:
    """One URL, taken apart."""

    place: str
    """`host:port`, as errors name it."""
    peer: ClientRequest
    """What aiohttp's connector wants to know: host, port, TLS, proxy. It is never sent."""
    address: str
    """What stands between the method and the version."""
    headers: Mapping[str, str]
    """Sent unless the caller has others of the same name."""

    def head(self, method: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """The request's first line and headers. Raises `APIConnectionError` where a header would break out of its line."""
        lines = dict(self.headers)
        for name, value in headers.items():
            lines[name.lower()] = value
        for name in _OURS:
            lines.pop(name, None)
        if body is not None or method not in _BODILESS:
            lines["content-length"] = str(len(body or b""))
        fields = [f"{name}: {value}\r\n" for name, value in lines.items()]
        text = f"{method} {self.address} HTTP/1.1\r\n{''.join(fields)}\r\n"
        ends = len(fields) + 2
        if text.count("\n") != ends or text.count("\r") != ends or "\0" in text:
            name = next((name for name, value in lines.items() if re.search(r"[\r\n\0]", f"{name}{value}")), "")
            raise APIConnectionError(
                f"{self.place}: the header {name!r} has a line break or a null character in it", code="invalid_header"
            )
        return text.encode()


def resolve(url: str, loop: asyncio.AbstractEventLoop, proxies: Proxies | None) -> Origin:
    """Raises `APIConnectionError` where the URL is not one of HTTP."""
    try:
        # A clean URL is sent as it stands: quoting it anew would break the signature of one that is signed.
        parsed = URL(url, encoded=_CLEAN.fullmatch(url) is not None)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        raise _invalid("is not valid") from None
    if parsed.scheme not in {"http", "https"} or not host or not port:
        raise _invalid("needs a host, and http or https as its scheme")
    place = f"{parsed.host_subcomponent}:{port}"
    proxy = _proxy(proxies.find(parsed.scheme, host, port) if proxies else None, place)
    headers = {
        "host": parsed.host_port_subcomponent or place,
        "accept": "*/*",
        # What this installation of aiohttp can undo.
        "accept-encoding": ClientRequest.DEFAULT_HEADERS[ACCEPT_ENCODING],
        "user-agent": "dragoman",
    }
    if parsed.user or parsed.password:
        headers["authorization"] = _basic(parsed)
    address = parsed.raw_path_qs
    if proxy is not None and parsed.scheme == "http":
        # A plain request is handed to the proxy itself; a TLS one goes through a tunnel, and the proxy sees none of it.
        address = str(parsed.with_user(None).with_fragment(None))
        if proxy.user or proxy.password:
            headers["proxy-authorization"] = _basic(proxy)
    peer = ClientRequest("GET", parsed.origin(), loop=loop, proxy=proxy)
    return Origin(place, peer, address, headers)


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
