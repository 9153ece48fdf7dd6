"""How values of a configuration are read: each reader gives the value, or raises `ConfigError` naming the path and what was
expected. Never what was there, unless it is a number: it may be a secret."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from dragoman.errors import ConfigError
from dragoman.providers._near import or_perhaps

__all__ = [
    "Environment",
    "Reader",
    "as_boolean",
    "as_number",
    "at_least",
    "boolean",
    "counts",
    "number",
    "object_of",
    "record",
    "seconds",
    "text",
    "texts",
    "whole",
    "wrong",
]

Reader: TypeAlias = Callable[[Any, str], Any]
"""(value, path)."""


class Environment(str):
    """A value that came from the environment, where everything is text: it may stand for a number or a boolean."""

    __slots__ = ()


def wrong(path: str, expected: str, value: Any) -> ConfigError:
    return ConfigError(f"{path}: expected {expected}, got {_kind(value)}", param=path)


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    names = {"str": "a text", "list": "a list", "tuple": "a list", "dict": "a mapping"}
    return "a text from the environment" if isinstance(value, Environment) else names.get(type(value).__name__, "?")


def boolean(value: Any, path: str) -> bool:
    found = as_boolean(value)
    if found is None:
        raise wrong(path, "true or false", value)
    return found


def as_boolean(value: Any) -> bool | None:
    """None: it is none."""
    if isinstance(value, Environment) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    return value if isinstance(value, bool) else None


def number(low: float = -math.inf, high: float = math.inf, *, integer: bool = False) -> Reader:
    """A reader of numbers from `low` to `high`."""

    def read(value: Any, path: str) -> float:
        found = as_number(value)
        if found is None:
            raise wrong(path, "a number", value)
        if not low <= found <= high or (integer and found != int(found)):
            limits = f" of at least {low:g}" if high == math.inf else f" from {low:g} to {high:g}"
            raise wrong(path, f"a {'whole ' if integer else ''}number{limits if low > -math.inf else ''}", value)
        return int(found) if integer else found

    return read


def as_number(value: Any) -> float | None:
    """None: it is none, or no finite one."""
    if isinstance(value, Environment):
        try:
            value = float(value)
        except ValueError:
            return None
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if good else None


def at_least(low: float) -> Reader:
    return number(low)


def whole(low: float = 0, high: float = math.inf) -> Reader:
    return number(low, high, integer=True)


seconds: Reader = number(0.001)


def text(value: Any, path: str) -> str:
    if isinstance(value, str) and value.strip():
        return str(value)
    raise wrong(path, "a text that is not empty", value)


def texts(value: Any, path: str) -> tuple[str, ...]:
    """A list of texts, or one."""
    found = (value,) if isinstance(value, str) else value
    if isinstance(found, (list, tuple)) and all(isinstance(item, str) and item for item in found):
        return tuple(found)
    raise wrong(path, "a list of texts", value)


def object_of(value: Any, path: str) -> dict[str, Any]:
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise wrong(path, "a mapping", value)


def record(value: Any, path: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The values of a mapping, each by its own reader. Raises one `ConfigError` with a line for each wrong path."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    known = f"; known are {', '.join(readers)}"
    for name, item in object_of(value, path).items():
        where = f"{path}.{name}" if path else name
        if name not in readers:
            problems.append(f"{where}: unknown key{or_perhaps(name, readers) or known}")
        elif item is not None:
            try:
                found[name] = readers[name](item, where)
            except ConfigError as error:
                problems += error.message.splitlines()
    if problems:
        raise ConfigError("\n".join(problems), param=problems[0].partition(": ")[0])
    return found


def counts(suffix: str, errors: Mapping[str, str]) -> Reader:
    """A reader of LiteLLM's policies by the class of the error: `{RateLimitErrorRetries: 3}`, or the class's own name."""
    names = {f"{name}{suffix}": kind for name, kind in errors.items()}
    readers = dict.fromkeys((*names, *errors), whole(0, 1_000_000))

    def read(value: Any, path: str) -> dict[str, int]:
        said = record(value, path, readers)
        return {names.get(name) or errors[name]: count for name, count in said.items()}

    return read
