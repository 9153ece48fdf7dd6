"""Credentials that are one string: found in the call, the deployment or the environment, and sent in a header."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from dragoman.errors import AuthenticationError

__all__ = ["ApiKey", "Credential", "NoCredential", "lookup"]


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

    def headers(self, key: str | None, *, provider: str) -> dict[str, str]:
        secret = key or lookup(self.env)
        if secret:
            return {self.header: f"{self.scheme}{secret}"}
        if self.optional:
            return {}
        wanted = " or ".join(self.env) or "an api_key"
        raise AuthenticationError(
            f"no API key for provider {provider!r}: set {wanted} in the environment or pass api_key",
            provider=provider,
            code="missing_api_key",
        )

    def found(self) -> bool:
        return self.optional or lookup(self.env) is not None


@dataclass(frozen=True, slots=True)
class NoCredential:
    """For providers that ask for none."""

    env: tuple[str, ...] = ()

    def headers(self, key: str | None, *, provider: str) -> dict[str, str]:
        return {}

    def found(self) -> bool:
        return True
