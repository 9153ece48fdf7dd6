"""Credentials that are one string, from the call, the deployment or the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from dragoman.credentials._request import HttpRequest
from dragoman.errors import AuthenticationError

__all__ = ["ApiKey", "FirstAvailable", "QueryKey", "lookup"]

_SENDABLE = re.compile(r"[!-~]+")
"""Visible ASCII. Anything else was pasted by mistake, or would end the header and begin another one."""


def lookup(names: Iterable[str]) -> str | None:
    """Return the first of these environment variables that is set and not empty."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header: `Authorization: Bearer <key>` by default."""

    env: tuple[str, ...] = ()
    header: str = "authorization"
    scheme: str = "Bearer "
    optional: bool = False
    """Whether requests are sent without a key if there is none, as to a local server."""
    prefix: str = ""
    """How keys of this kind begin, for a provider with several kinds (see `FirstAvailable`)."""
    waits: bool = False

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        """Return the request with the key in its header, unless its sender has set that header."""
        secret = (key or "").strip() or lookup(self.env)
        if secret:
            return request.with_header(self.header, self.scheme + _sendable(secret, provider))
        if self.optional:
            return request
        raise _no_key(self.env, provider)

    def is_available(self) -> bool:
        return self.optional or lookup(self.env) is not None


@dataclass(frozen=True, slots=True)
class QueryKey:
    """A key in the query of the address: `?key=<key>`."""

    env: tuple[str, ...] = ()
    parameter: str = "key"
    optional: bool = False
    """Whether requests are sent without a key if there is none."""
    waits: bool = False

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        """Return the request with the key in its query."""
        secret = (key or "").strip() or lookup(self.env)
        if secret:
            url = request.url
            separator = "&" if "?" in url else "?"
            url += f"{separator}{quote(self.parameter)}={quote(_sendable(secret, provider), safe='')}"
            return HttpRequest(request.method, url, request.headers, request.body)
        if self.optional:
            return request
        raise _no_key(self.env, provider)

    def is_available(self) -> bool:
        return self.optional or lookup(self.env) is not None


@dataclass(frozen=True, slots=True, init=False)
class FirstAvailable:
    """Several kinds of key of which a provider takes any.

    A key of the call or the deployment is of the kind whose prefix it has, else of the first. Without one, the first kind that
    the environment holds is used."""

    kinds: tuple[ApiKey, ...]

    def __init__(self, *kinds: ApiKey) -> None:
        object.__setattr__(self, "kinds", kinds)

    @property
    def env(self) -> tuple[str, ...]:
        return tuple(name for kind in self.kinds for name in kind.env)

    @property
    def waits(self) -> bool:
        return False

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        """Return the request signed with the kind of key that fits."""
        secret = (key or "").strip()
        if secret:
            kind = next((kind for kind in self.kinds if kind.prefix and secret.startswith(kind.prefix)), self.kinds[0])
            return await kind.sign(request, secret, provider=provider)
        available = next((kind for kind in self.kinds if kind.is_available()), None)
        if available is None:
            raise _no_key(self.env, provider)
        return await available.sign(request, None, provider=provider)

    def is_available(self) -> bool:
        return any(kind.is_available() for kind in self.kinds)


def _no_key(env: tuple[str, ...], provider: str) -> AuthenticationError:
    variables = " or ".join(env)
    remedy = f"set {variables} in the environment or pass api_key" if variables else "pass api_key"
    return AuthenticationError(
        f"no API key for provider {provider!r}: {remedy}", provider=provider, code="missing_api_key"
    )


def _sendable(secret: str, provider: str) -> str:
    """Return the key. Raise `AuthenticationError`, which does not repeat it, if it holds what no header may hold."""
    if _SENDABLE.fullmatch(secret):
        return secret
    raise AuthenticationError(
        f"the API key for provider {provider!r} holds a space, a line break or another character that no key has: "
        "check how it was pasted",
        provider=provider,
        code="invalid_api_key",
    )
