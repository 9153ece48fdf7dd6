"""The table of routes: every path that is answered, in which dialect, and who may ask. What is not here is a 404.

The paths of models come from the records of the dialects; the pages are listed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from dragoman.dialects.dialect import CallerRoute, Dialect
from dragoman.gateway.http.caller_dialects import dialect_of_client, guess_dialect
from dragoman.gateway.http.endpoint import ModelEndpoint

__all__ = ["Page", "Route", "RouteMatch", "RouteTable", "model_endpoint"]

Page: TypeAlias = Literal[
    "models",
    "model",
    "model_info",
    "model_group_info",
    "alive",
    "ready",
    "health",
    "root",
    "explain",
    "routing_state",
    "cooldowns",
]
"""What is answered without asking a model."""

_MODEL = "{model}"
_PAGES: Mapping[str, tuple[Literal["GET", "POST"], Page]] = MappingProxyType(
    {
        "/model/info": ("GET", "model_info"),
        "/v1/model/info": ("GET", "model_info"),
        "/model_group/info": ("GET", "model_group_info"),
        "/v1/routing/explain": ("POST", "explain"),
        "/v1/routing/state": ("GET", "routing_state"),
        "/cooldowns": ("GET", "cooldowns"),
        "/health": ("GET", "health"),
        "/health/readiness": ("GET", "ready"),
        "/health/liveliness": ("GET", "alive"),
        "/health/liveness": ("GET", "alive"),
        "/": ("GET", "root"),
    }
)
"""In the first dialect's shapes."""
_PUBLIC = frozenset({"ready", "alive", "root"})


@dataclass(frozen=True, slots=True)
class Route:
    """One row. A route is locked unless it says that it is public."""

    method: Literal["GET", "POST"]
    answer: ModelEndpoint | Page
    dialects: tuple[Dialect, ...]
    """More than one where several SDKs ask for this very path, each expecting its own shape."""
    public: bool = False

    @property
    def dialect(self) -> Dialect:
        """The dialect of a client that shows no sign of another."""
        return self.dialects[0]

    @property
    def key_in_query(self) -> bool:
        """Whether `?key=` is a way to show a key here."""
        return any(dialect.key_parameter for dialect in self.dialects)


class RouteMatch(NamedTuple):
    route: Route
    model: str | None = None
    """The model that the address names."""


def model_endpoint(dialect: Dialect, route: CallerRoute) -> ModelEndpoint:
    """Return what answers `route`."""
    return ModelEndpoint(route.codec, controls=dialect.options_in_body, stream=route.stream)


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
            if name:
                self.patterns.setdefault(before, {}).setdefault(after, route)
            else:
                self.exact.setdefault(path, route)
        for before, routes in self.patterns.items():
            # `/chat/completions` ends in `/completions` as well.
            self.patterns[before] = dict(sorted(routes.items(), key=lambda item: -len(item[0])))

    def _rows(self) -> Iterator[tuple[str, Route]]:
        for dialect in self.dialects:
            for route in dialect.routes:
                row = Route("POST", model_endpoint(dialect, route), (dialect,))
                yield from ((f"{base}{route.path}", row) for base in dialect.bases)
        for path in dict.fromkeys(path for dialect in self.dialects for path in dialect.model_lists):
            readers = tuple(dialect for dialect in self.dialects if path in dialect.model_lists)
            yield path, Route("GET", "models", readers)
            yield f"{path}/{_MODEL}", Route("GET", "model", readers)
        for path, (method, page) in _PAGES.items():
            yield path, Route(method, page, self.dialects[:1], public=page in _PUBLIC)

    def find(self, path: str) -> RouteMatch | None:
        """Return the route of a path, or None. A model's name may hold slashes and colons."""
        route = self.exact.get(path)
        if route is not None:
            return RouteMatch(route)
        for before, routes in self.patterns.items():
            if path.startswith(before):
                return _match(path[len(before) :], routes)
        stripped = path.rstrip("/")
        return self.find(stripped) if stripped not in ("", path) else None

    def dialect_of(self, match: RouteMatch | None, path: str, headers: Mapping[str, str], query: bytes) -> Dialect:
        """Return the dialect in which a request is answered; `match` is its route, if there is one."""
        if match is None:
            return guess_dialect(self.dialects, path, headers)
        readers = match.route.dialects
        return readers[0] if len(readers) == 1 else dialect_of_client(readers, headers, query)


def _match(rest: str, routes: Mapping[str, Route]) -> RouteMatch | None:
    for after, route in routes.items():
        if rest.endswith(after):
            name = rest.removesuffix(after)
            return RouteMatch(route, name) if name.strip("/") else None
    return None
