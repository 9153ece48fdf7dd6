"""A route: which endpoint answers a path, in which dialect, and who may call it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from dragoman.dialects.dialect import Dialect
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.services import GatewayServices

__all__ = ["Endpoint", "Route", "RouteMatch"]

Endpoint: TypeAlias = Callable[[GatewayServices, Exchange, str | None], Awaitable[None]]
"""Answers a request. The third argument is the model that the address names, if it names one. Raises `DragomanError`."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. The gate authenticates the caller of a route unless it is public."""

    method: Literal["GET", "POST", "OPTIONS"]
    endpoint: Endpoint
    dialects: tuple[Dialect, ...]
    """More than one where several SDKs call this very path, each expecting its own shape."""
    key_in_query: bool = False
    """Whether a key may stand in the query, as `?key=`."""
    public: bool = False
    is_probe: bool = False
    """Whether load balancers call it all day: logged at the level DEBUG."""

    @property
    def dialect(self) -> Dialect:
        """The dialect of a client that shows no sign of another."""
        return self.dialects[0]


class RouteMatch(NamedTuple):
    route: Route
    model: str | None = None
    """The model that the address names."""
