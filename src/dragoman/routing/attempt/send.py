"""The one road of every request to a provider, a call's or a health check's: its headers, its signature, and the socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from dragoman.credentials import HttpRequest
from dragoman.errors import Timeout
from dragoman.providers import Provider
from dragoman.routing.settings.call_options import CallOptions
from dragoman.transport import Reply, Timeouts, Transport

__all__ = ["outgoing_headers", "sign_and_send"]

_LEAST_TIME = 0.001


def _user_agent() -> str:
    try:
        return f"dragoman/{version('dragoman')}"
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "dragoman"


_USER_AGENT = _user_agent()


def outgoing_headers(
    provider: Provider, options: CallOptions, content_type: str | None, *sources: Mapping[str, str]
) -> dict[str, str]:
    """Return the headers of a request before it is signed, names in lower case. Later sources win, and `extra_headers` over all."""
    headers = {"user-agent": _USER_AGENT}
    if content_type is not None:
        headers["content-type"] = content_type
    headers.update(provider.headers)
    for source in sources:
        headers.update(source)
    for name, value in options.extra_headers.items():
        headers[name.lower()] = value
    return headers


async def sign_and_send(
    request: HttpRequest, provider: Provider, options: CallOptions, transport: Transport, timeouts: Timeouts
) -> Reply:
    """Sign a request, send it, and return the reply. Raise `AuthenticationError`, `APIConnectionError` or `Timeout`."""
    if provider.credential.waits:
        request, timeouts = await _sign_in_time(request, provider, options, timeouts)
    else:
        request = await provider.credential.sign(request, options.api_key, provider=provider.name)
    method, url, headers, body = request
    return await transport.send(method, url, headers=headers, body=body, timeouts=timeouts)


async def _sign_in_time(
    request: HttpRequest, provider: Provider, options: CallOptions, timeouts: Timeouts
) -> tuple[HttpRequest, Timeouts]:
    """Return the signed request, and the timeouts with what signing has left of their total."""
    now = asyncio.get_running_loop().time
    started = now()
    try:
        async with asyncio.timeout(timeouts.total):
            request = await provider.credential.sign(request, options.api_key, provider=provider.name)
    except TimeoutError as error:
        raise Timeout(
            f"signing the request to {provider.name} took longer than the total timeout of {timeouts.total:.3g} s"
        ) from error
    return request, replace(timeouts, total=max(_LEAST_TIME, timeouts.total - (now() - started)))
