"""What every credential can do, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dragoman.credentials._request import HttpRequest

__all__ = ["Credential", "NoCredential", "missing"]


class Credential(Protocol):
    """Signs requests to one provider. A record without state of a call: one instance serves all calls, on any event loop."""

    @property
    def env(self) -> tuple[str, ...]:
        """The environment variables that may hold the secret."""
        ...

    @property
    def waits(self) -> bool:
        """Whether `sign` may wait for something outside of the process, such as a token. Its callers then limit the wait."""
        ...

    def is_available(self) -> bool:
        """Whether the environment holds the secret, or none is needed."""
        ...

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        """Return `request` with what proves who sends it: in its headers, its address, or both.

        The request has its final address, headers and bytes, so that a signature may cover all of them. `key` is the one of the
        call or the deployment; without it the environment is looked up. Raise `AuthenticationError`, naming the variables to
        set, if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class NoCredential:
    """For providers that need no credential."""

    env: tuple[str, ...] = ()
    waits: bool = False

    async def sign(self, request: HttpRequest, key: str | None, *, provider: str) -> HttpRequest:
        """Return the request as it is."""
        return request

    def is_available(self) -> bool:
        return True


def missing(credential: Credential) -> tuple[str, ...]:
    """Return the environment variables of which one has to be set; empty if the credential is available or not needed."""
    return () if credential.is_available() else credential.env
