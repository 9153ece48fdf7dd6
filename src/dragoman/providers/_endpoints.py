"""What a provider offers, and where: read from its dialect's record, which is imported when it is first used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from dragoman.dialects.dialect import Endpoint
from dragoman.dialects.registry import find_dialect
from dragoman.errors import ConfigError

__all__ = ["LazyEndpoints", "speaks"]


@dataclass(frozen=True, slots=True)
class LazyEndpoints(Mapping[str, Endpoint]):
    """A provider's endpoints by operation. To look a provider up imports no dialect; to ask what it offers imports its own."""

    dialect: str
    operations: tuple[str, ...] | None = None
    """None: the usual ones of the dialect."""
    paths: tuple[tuple[str, str], ...] = ()
    """Operation and path, where it differs from the dialect's."""
    _resolved: dict[str, Endpoint] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __getitem__(self, operation: str) -> Endpoint:
        return (self._resolved or self._resolve())[operation]

    def __contains__(self, operation: object) -> bool:
        return operation in (self._resolved or self._resolve())

    def __iter__(self) -> Iterator[str]:
        return iter(self._resolved or self._resolve())

    def __len__(self) -> int:
        return len(self._resolved or self._resolve())

    def _resolve(self) -> dict[str, Endpoint]:
        dialect, paths = find_dialect(self.dialect), dict(self.paths)
        operations = dialect.usual_operations if self.operations is None else self.operations
        unknown = [operation for operation in operations if operation not in dialect.endpoints]
        if unknown:
            raise ConfigError(f"the dialect {self.dialect!r} has no operation {unknown[0]!r}, which a provider claims")
        for operation, endpoint in dialect.endpoints.items():
            if operation in operations:
                path = paths.get(operation)
                self._resolved[operation] = endpoint if path is None else replace(endpoint, path=path)
        return self._resolved


def speaks(
    dialect: str, operations: Iterable[str] | None = None, paths: Mapping[str, str] | None = None
) -> LazyEndpoints:
    """Return the endpoints of a provider that speaks `dialect`: the usual operations, or these. Its own `paths` win."""
    return LazyEndpoints(dialect, None if operations is None else tuple(operations), tuple((paths or {}).items()))
