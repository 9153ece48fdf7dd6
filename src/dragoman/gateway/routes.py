"""The table of routes: every path that is answered, in which dialect, and who may call it. Anything else is a 404.

The paths of models come from the records of the dialects; the pages are listed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from dragoman.dialects.dialect import Dialect
from dragoman.errors import CallerError, ConfigError, NotFoundError
from dragoman.gateway.http.caller_dialects import dialect_of_client, guess_dialect
from dragoman.gateway.http.endpoint import model_endpoint
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.not_served import UpgradeRefused, asks_for_upgrade, not_served
from dragoman.gateway.http.route import Endpoint, Route, RouteMatch
from dragoman.gateway.http.services import GatewayServices
from dragoman.gateway.pages import health, models, routing

__all__ = ["RouteTable", "match_request"]

_MODEL = "{model}"
_PAGES: Mapping[str, tuple[Literal["GET", "POST"], Endpoint]] = MappingProxyType(
    {
        "/model/info": ("GET", models.model_info),
        "/v1/model/info": ("GET", models.model_info),
        "/model_group/info": ("GET", models.model_group_info),
        "/v1/routing/explain": ("POST", routing.explain),
        "/v1/routing/state": ("GET", routing.state),
        "/cooldowns": ("GET", routing.cooldowns),
        "/health": ("GET", health.report),
        "/health/readiness": ("GET", health.ready),
        "/health/liveliness": ("GET", health.alive),
        "/health/liveness": ("GET", health.alive),
        "/": ("GET", health.root),
    }
)
"""In the first dialect's shapes."""
_PROBES = frozenset({health.ready, health.alive})
_PUBLIC = frozenset({health.ready, health.alive, health.root})


class RouteTable:
    """All paths of one gateway."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self.dialects = tuple(dialects)
        self.exact: dict[str, Route] = {}
        """By path."""
        self.patterns: dict[str, dict[str, Route]] = {}
        """Paths that name a model, by what stands before the name and what stands after it."""
        for path, route in self._rows():
            before, name, after = path.partition(_MODEL)
            table, key = (self.patterns.setdefault(before, {}), after) if name else (self.exact, path)
            if key in table:
                names = " and ".join(repr(each.dialect.name) for each in (table[key], route))
                raise ConfigError(f"the path {path} is served by two dialects, {names}")
            table[key] = route
        for before, routes in self.patterns.items():
            # `/chat/completions` ends in `/completions` as well.
            self.patterns[before] = dict(sorted(routes.items(), key=lambda item: -len(item[0])))

    def _rows(self) -> Iterator[tuple[str, Route]]:
        for dialect in self.dialects:
            for route in dialect.routes:
                row = _route("POST", model_endpoint(dialect, route), (dialect,))
                yield from ((f"{base}{route.path}", row) for base in dialect.bases)
        for path in dict.fromkeys(path for dialect in self.dialects for path in dialect.model_lists):
            readers = tuple(dialect for dialect in self.dialects if path in dialect.model_lists)
            yield path, _route("GET", models.all_models, readers)
            yield f"{path}/{_MODEL}", _route("GET", models.one_model, readers)
        for path, (method, page) in _PAGES.items():
            yield path, _route(method, page, self.dialects[:1], public=page in _PUBLIC, is_probe=page in _PROBES)

    def find(self, path: str) -> RouteMatch | None:
        """Return the route of a path, or None. A model's name may contain slashes and colons."""
        route = self.exact.get(path)
        if route is not None:
            return RouteMatch(route)
        for before, routes in self.patterns.items():
            if path.startswith(before):
                return _match(path[len(before) :], routes)
        stripped = path.rstrip("/")
        return self.find(stripped) if stripped not in ("", path) else None

    def dialect_of(self, match: RouteMatch | None, path: str, headers: Mapping[str, str], query: bytes) -> Dialect:
        """Return the dialect in which a request is answered, errors too; `match` is its route, if there is one."""
        if match is None:
            return guess_dialect(self.dialects, path, headers)
        readers = match.route.dialects
        return readers[0] if len(readers) == 1 else dialect_of_client(readers, headers, query)


def _route(method: Literal["GET", "POST"], endpoint: Endpoint, dialects: tuple[Dialect, ...], **flags: bool) -> Route:
    key_in_query = any(dialect.key_parameter for dialect in dialects)
    return Route(method, endpoint, dialects, key_in_query=key_in_query, **flags)


def _match(rest: str, routes: Mapping[str, Route]) -> RouteMatch | None:
    for after, route in routes.items():
        if rest.endswith(after):
            name = rest.removesuffix(after)
            return RouteMatch(route, name) if name.strip("/") else None
    return None


def match_request(match: RouteMatch | None, method: str, path: str, headers: Mapping[str, str]) -> RouteMatch:
    """Return what answers a request. Raise `CallerError` for an upgrade, an unknown path or a wrong method."""
    if "upgrade" in headers and asks_for_upgrade(headers):
        raise UpgradeRefused
    if match is None:
        raise not_served(method, path) or NotFoundError(f"there is no {method} {path[:200]}", code="unknown_url")
    expected = match.route.method
    if method == expected or (method == "HEAD" and expected == "GET"):
        return match
    if method == "OPTIONS":
        return _OPTIONS[expected]
    raise _WrongMethod(expected, method)


class _WrongMethod(CallerError):
    """A path that exists, called by another method."""

    status = 405
    default_code = "method_not_allowed"

    def __init__(self, expected: str, method: str) -> None:
        super().__init__(f"{method} is not allowed here, only {expected}")


async def _options_of_get(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    await _send_options(services, exchange, b"GET, HEAD, OPTIONS")


async def _options_of_post(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    await _send_options(services, exchange, b"POST, OPTIONS")


async def _send_options(services: GatewayServices, exchange: Exchange, methods: bytes) -> None:
    """Tell which methods a path has. Public: a browser sends no key with a preflight request."""
    await exchange.start(204, [(b"allow", methods), *services.cors.preflight_headers(exchange.headers, methods)])
    await exchange.body(b"", False)


_OPTIONS: Mapping[str, RouteMatch] = MappingProxyType(
    {
        "GET": RouteMatch(Route("OPTIONS", _options_of_get, (), public=True)),
        "POST": RouteMatch(Route("OPTIONS", _options_of_post, (), public=True)),
    }
)
"""By the method of the route."""
