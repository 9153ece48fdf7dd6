"""What a gateway asks of its gate: who calls, and may this call be made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from dragoman.routing import Call
from dragoman.types.caller import Caller

__all__ = ["FreeTicket", "Gate", "RouteAccess"]


class RouteAccess(Protocol):
    """What a gate needs to know of the route that a request has matched."""

    @property
    def key_in_query(self) -> bool:
        """Whether a key may stand in the query (`?key=`)."""


class Gate(Protocol):
    """Decides who may call and what a call may use. Every route that is not public is authenticated, every call is admitted."""

    async def authenticate(self, route: RouteAccess, headers: Mapping[str, str], query: bytes) -> Caller:
        """Return the caller of a request; `headers` have lower-case names. Raise `CallerError` for a caller that may not use the
        route."""

    def admit(self, caller: Caller, call: Call) -> AbstractAsyncContextManager[Any]:
        """Return the ticket of a call.

        Entering it takes what the call may use, all or nothing, and raises `CallerError` where that is too much. Leaving it
        settles by `call.record`, exactly once, whatever has ended the call (see `Ticket`)."""

    async def aclose(self) -> None:
        """Wait for what is still being settled. Called once, after the last call."""


class FreeTicket:
    """The ticket of a gate without limits: it takes nothing and settles nothing, so that one serves all calls."""

    __slots__ = ()

    async def __aenter__(self) -> FreeTicket:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None
