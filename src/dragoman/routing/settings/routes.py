"""Conditional routes as they are configured: what a request must be like, and the model that it then goes to.

routes:
  - if: {model: smart, tokens_above: 100000}
    use: big
  - if: {tools: true, metadata.plan: [pro, team]}
    use: able
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from dragoman.dialects.registry import find_operation, operation_names
from dragoman.errors import ConfigError
from dragoman.settings.readers import Reader, boolean, object_of, text, texts, whole, wrong
from dragoman.settings.suggestions import did_you_mean

__all__ = ["CONDITIONS", "METADATA", "Condition", "ConditionalRoute", "parse_routes"]

_T = TypeVar("_T")
METADATA = "metadata."
"""Begins the name of a condition on the caller's metadata."""


class Condition(NamedTuple):
    name: str
    """A name of `CONDITIONS`, or `metadata.<name>`."""
    expected: Any
    """The value, as its reader returns it."""


@dataclass(frozen=True, slots=True)
class ConditionalRoute:
    path: str
    """Where it stands in the configuration."""
    conditions: tuple[Condition, ...]
    """All of them must hold."""
    use: str
    """An alias, or `provider/model`."""


def _operations(value: Any, path: str) -> tuple[str, ...]:
    names = texts(value, path)
    unknown = next((name for name in names if find_operation(name) is None), None)
    if unknown is not None:
        raise ConfigError(f"{path}: unknown operation; known are {', '.join(operation_names())}", param=path)
    return names


def _metadata_values(value: Any, path: str) -> tuple[str | int | float | bool, ...]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not values or not all(isinstance(item, (str, int, float, bool)) for item in values):
        raise wrong(path, "a text, a number, true or false, or a list of them", value)
    return values


CONDITIONS: Mapping[str, Reader] = MappingProxyType(
    {
        "model": texts,
        "operation": _operations,
        "tokens_above": whole(),
        "tokens_below": whole(1),
        "tools": boolean,
        "images": boolean,
        "audio": boolean,
        "documents": boolean,
        "schema": boolean,
        "stream": boolean,
        "tags": texts,
        "key": texts,
        "team": texts,
        "user": texts,
    }
)
"""By the name that users write: how its value is read."""


def parse_routes(value: Any, path: str) -> tuple[ConditionalRoute, ...]:
    """Read `[{if: {...}, use: model}]`. Raise one `ConfigError` with a line for each wrong path."""
    if not isinstance(value, (list, tuple)):
        raise wrong(path, "a list of {if: {...}, use: model}", value)
    problems: list[str] = []
    routes = [_collect(problems, _route, item, f"{path}[{number}]") for number, item in enumerate(value)]
    _raise(problems)
    return tuple(route for route in routes if route is not None)


def _route(value: Any, path: str) -> ConditionalRoute:
    row = object_of(value, path)
    problems = [f"{path}.{name}: unknown key; known are if, use" for name in row if name not in ("if", "use")]
    conditions = _collect(problems, _conditions, row.get("if"), f"{path}.if") or ()
    use = _collect(problems, text, row.get("use"), f"{path}.use") or ""
    if use and any(condition == Condition("model", (use,)) for condition in conditions):
        problems.append(f"{path}.use: a loop: calls of {use!r} are sent to {use!r}")
    _raise(problems)
    return ConditionalRoute(path, conditions, use)


def _conditions(value: Any, path: str) -> tuple[Condition, ...]:
    problems: list[str] = []
    rows = object_of(value, path)
    found = [_collect(problems, _condition, item, f"{path}.{name}", name) for name, item in rows.items()]
    if not rows:
        problems.append(f"{path}: expected at least one condition")
    _raise(problems)
    return tuple(condition for condition in found if condition is not None)


def _condition(value: Any, path: str, name: str) -> Condition:
    if name.startswith(METADATA) and len(name) > len(METADATA):
        return Condition(name, _metadata_values(value, path))
    read = CONDITIONS.get(name)
    if read is None:
        known = f"; known are {', '.join(CONDITIONS)}, metadata.<name>"
        raise ConfigError(f"{path}: unknown condition{did_you_mean(name, CONDITIONS) or known}", param=path)
    return Condition(name, read(value, path))


def _collect(problems: list[str], read: Callable[..., _T], *arguments: Any) -> _T | None:
    """Return what `read` returns, or add the lines of its `ConfigError` to `problems`."""
    try:
        return read(*arguments)
    except ConfigError as error:
        problems += error.message.splitlines()
        return None


def _raise(problems: list[str]) -> None:
    if problems:
        raise ConfigError("\n".join(problems), param=problems[0].partition(": ")[0])
