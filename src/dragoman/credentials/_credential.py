"""Credentials that are one string: found in the call, the deployment or the environment, and sent in a header."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from dragoman.errors import AuthenticationError

__all__ = ["ApiKey", "Credential", "FirstFound", "NoCredential", "lookup", "missing"]

_SENDABLE = re.compile(r"[!-~]+")
"""Visible ASCII. Anything else is a slip of the paste, or would end the header and begin another one."""


def lookup(names: Iterable[str]) -> str | None:
    """The first of these environment variables that is set and not empty."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), None)


class Credential(Protocol):
    """Signs a request: what it gives is added to the request's headers."""

    def headers(self, key: str | None, *, provider: str) -> dict[str, str]:
        """`key` is the one given with the call or the deployment; without it the environment is asked.

        Raises `AuthenticationError`, naming the variables to set, where there is none."""
        ...

    def found(self) -> bool:
        """Whether the environment holds it."""
        ...

    @property
    def env(self) -> tuple[str, ...]:
        """The environment variables that are asked."""
        ...


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header: `Authorization: Bearer <key>` unless told otherwise."""

    env: tuple[str, ...] = ()
    header: str = "authorization"
    scheme: str = "Bearer "
    optional: bool = False
    """A local server may do without."""
    given_prefix: str = ""
    """How a key of this kind begins, where a provider has several kinds (see `FirstFound`)."""

    def headers(self, key: str | None, *, provider: str) -> dict[str, str]:
        secret = (key or "").strip() or lookup(self.env)
        if secret:
            return {self.header: f"{self.scheme}{_sendable(secret, provider)}"}
        if self.optional:
            return {}
        raise _no_key(self.env, provider)

    def found(self) -> bool:
        return self.optional or lookup(self.env) is not None


@dataclass(frozen=True, slots=True, init=False)
class FirstFound:
    """Several kinds of credential, of which a provider takes any: a given key goes to the kind whose prefix it has, else
    to the first; without one, the first kind that the environment holds is used."""

    kinds: tuple[ApiKey, ...]

    def __init__(self, *kinds: ApiKey) -> None:
        object.__setattr__(self, "kinds", kinds)

    @property
    def env(self) -> tuple[str, ...]:
        return tuple(name for kind in self.kinds for name in kind.env)

    def headers(self, key: str | None, *, provider: str) -> dict[str, str]:
        given = (key or "").strip()
        if given:
            kind = next(
                (kind for kind in self.kinds if kind.given_prefix and given.startswith(kind.given_prefix)), None
            )
            return (kind or self.kinds[0]).headers(given, provider=provider)
        held = next((kind for kind in self.kinds if kind.found()), None)
        if held is None:
            raise _no_key(self.env, provider)
        return held.headers(None, provider=provider)

    def found(self) -> bool:
        return any(kind.found() for kind in self.kinds)


@dataclass(frozen=True, slots=True)
class NoCredential:
    """For providers that ask for none."""

    env: tuple[str, ...] = ()

    def headers(self, key: str | None, *, provider: str) -> dict[str, str]:
        return {}

    def found(self) -> bool:
        return True


def missing(credential: Credential) -> tuple[str, ...]:
    """The environment variables of which one has to be set; empty where the credential is found or not needed."""
    return () if credential.found() else credential.env


def _no_key(env: tuple[str, ...], provider: str) -> AuthenticationError:
    wanted = " or ".join(env)
    how = f"set {wanted} in the environment or pass api_key" if wanted else "pass api_key"
    return AuthenticationError(
        f"no API key for provider {provider!r}: {how}", provider=provider, code="missing_api_key"
    )


def _sendable(secret: str, provider: str) -> str:
    """The key, unless it holds what no header may hold. The message does not repeat it."""
    if _SENDABLE.fullmatch(secret):
        return secret
    raise AuthenticationError(
        f"the API key for provider {provider!r} holds a space, a line break or another character that no key has: "
        "check how it was pasted",
        provider=provider,
        code="invalid_api_key",
    )
