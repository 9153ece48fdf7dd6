"""Readers of settings: each returns the value, or raises `ConfigError` with the path and what was expected.

No message shows the value unless it is a number: it may be a secret."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from dragoman.errors import ConfigError
from dragoman.settings.suggestions import did_you_mean

__all__ = [
    "Environment",
    "Reader",
    "api_key",
    "as_boolean",
    "as_number",
    "at_least",
    "boolean",
    "counts",
    "kind_of",
    "number",
    "object_of",
    "record",
    "refuse_variable",
    "seconds",
    "secret",
    "text",
    "texts",
    "whole",
    "wrong",
]

_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_VARIABLE = re.compile(
    r"""(?:\$[{(]?|os\.environ(?:\.get)?[.\[( ]|os\.getenv\()["']?(?P<name>[A-Z_][A-Z0-9_]*)["']?[\])}]*"""
)
"""How other programs write a reference to an environment variable."""
_PERHAPS_VARIABLE = re.compile(r"(?:%|env[./:])(?P<name>[A-Z_][A-Z0-9_]*)%?")
"""The same where it cannot be a name."""

_KIND_NAMES = {"str": "a text", "list": "a list", "tuple": "a list", "dict": "a mapping"}
_MAX_PORT = 65535
_WORDS = {True: "whole number", False: "number"}
"""What the reference calls a number, by whether it is whole."""

Reader: TypeAlias = Callable[[Any, str], Any]
"""`(value, path)` -> the value as the program uses it. Raises `ConfigError`."""


class Environment(str):
    """A value that came from the environment, where everything is text: it may stand for a number or a boolean."""

    __slots__ = ()


def wrong(path: str, expected: str, value: Any) -> ConfigError:
    """Return an error that names the kind of the value, and never the value: a key may consist of digits."""
    return ConfigError(f"{path}: expected {expected}, got {_kind(value)}", param=path)


def _kind(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, Environment):
        return "a text from the environment"
    kind = type(value).__name__
    return _KIND_NAMES.get(kind, kind)


def boolean(value: Any, path: str) -> bool:
    """Return true or false."""
    found = as_boolean(value)
    if found is None:
        raise wrong(path, "true or false", value)
    return found


def as_boolean(value: Any) -> bool | None:
    """Return a boolean; None if the value is none."""
    if isinstance(value, Environment) and value.lower() in ("true", "false", "1", "0"):
        return value.lower() in ("true", "1")
    return value if isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class _Number:
    """A reader of numbers within bounds."""

    low: float
    high: float
    integer: bool
    kind: str

    def __call__(self, value: Any, path: str) -> Any:
        amount = as_number(value)
        if amount is None:
            raise wrong(path, f"a number{self._unit()}", value)
        if not self.low <= amount <= self.high or (self.integer and amount != int(amount)):
            raise ConfigError(f"{path}: expected {self._expected()}, got {amount}", param=path)
        return int(amount) if self.integer else amount

    def _expected(self) -> str:
        bounds = f" of at least {self.low:g}" if self.high == math.inf else f" from {self.low:g} to {self.high:g}"
        kind = "whole number" if self.integer else "number"
        return f"a {kind}{self._unit()}{bounds if self.low > -math.inf else ''}"

    def _unit(self) -> str:
        return " of seconds" if self.kind == "seconds" else ""


def number(low: float = -math.inf, high: float = math.inf, *, integer: bool = False, kind: str = "") -> Reader:
    """Return a reader of numbers from `low` to `high`. `kind` is what the reference calls them."""
    is_short = integer and low >= 0 and high <= _MAX_PORT
    return _Number(low, high, integer, kind or (f"{low:g} to {high:g}" if is_short else _WORDS[integer]))


def as_number(value: Any) -> float | None:
    """Return a finite number; None if the value is none."""
    if isinstance(value, Environment):
        try:
            value = float(value)
        except ValueError:
            return None
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if good else None


def at_least(low: float, kind: str = "") -> Reader:
    """Return a reader of numbers of at least `low`."""
    return number(low, kind=kind)


def whole(low: float = 0, high: float = math.inf) -> Reader:
    """Return a reader of whole numbers from `low` to `high`."""
    return number(low, high, integer=True)


seconds: Reader = number(0.001, kind="seconds")


def text(value: Any, path: str) -> str:
    """Return a text of one line without the white space around it: values that come from files end in a line break."""
    if not isinstance(value, str) or not value.strip():
        quotes = " (write it in quotes)" if as_number(value) is not None else ""
        raise ConfigError(f"{wrong(path, 'a text that is not empty', value).message}{quotes}", param=path)
    found = str(value).strip()
    if _CONTROL.search(found):
        raise ConfigError(
            f"{path}: expected a text on one line, got one with a line break or another control character", param=path
        )
    refuse_variable(value, path)
    return found


def refuse_variable(value: str, path: str, pattern: re.Pattern[str] = _VARIABLE) -> None:
    """Raise `ConfigError` for a text that is another program's reference to an environment variable."""
    found = pattern.fullmatch(value.strip())
    if found is not None and not isinstance(value, Environment):
        told = f"is the name of an environment variable, which only `os.environ/{found['name']}` refers to"
        raise ConfigError(f"{path}: {told}", param=path)


def secret(value: Any, path: str) -> str:
    """Return a key or a password, as it is sent in a header. No message repeats any of it."""
    found = text(value, path)
    refuse_variable(value, path, _PERHAPS_VARIABLE)
    if not (found.isascii() and found.isprintable()):
        raise ConfigError(f"{path}: holds a character that is not ASCII, which no header can carry", param=path)
    return found


def api_key(value: Any, path: str) -> str:
    """Return a provider's key."""
    found = secret(value, path)
    if " " in found:
        raise ConfigError(f"{path}: holds a space, which no key does: check how it was pasted", param=path)
    return found


def texts(value: Any, path: str) -> tuple[str, ...]:
    """Return the texts of a list, or of a single text."""
    found = (value,) if isinstance(value, str) else value
    if isinstance(found, (list, tuple)) and all(isinstance(item, str) and item for item in found):
        return tuple(found)
    raise wrong(path, "a list of texts", value)


def object_of(value: Any, path: str) -> dict[str, Any]:
    """Return a mapping whose keys are texts."""
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise wrong(path, "a mapping", value)


def record(value: Any, path: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Return the values of a mapping, each read by its own reader. Raise one `ConfigError` with a line for each wrong path."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    known = f"; known are {', '.join(readers)}"
    for name, item in object_of(value, path).items():
        where = f"{path}.{name}" if path else name
        if name not in readers:
            problems.append(f"{where}: unknown key{did_you_mean(name, readers) or known}")
        elif item is not None:
            try:
                found[name] = readers[name](item, where)
            except ConfigError as error:
                problems += error.message.splitlines()
    if problems:
        raise ConfigError("\n".join(problems), param=problems[0].partition(": ")[0])
    return found


def counts(suffix: str, errors: Mapping[str, str]) -> Reader:
    """Return a reader of LiteLLM's policies by class of error: `{RateLimitErrorRetries: 3}`, or the class's own name."""
    names = {f"{name}{suffix}": kind for name, kind in errors.items()}
    readers = dict.fromkeys((*names, *errors), whole(0, 1_000_000))

    def read(value: Any, path: str) -> dict[str, int]:
        said = record(value, path, readers)
        return {names.get(name) or errors[name]: count for name, count in said.items()}

    return read


_KINDS: Mapping[Reader, str] = {
    boolean: "boolean",
    text: "text",
    secret: "text",
    api_key: "text",
    texts: "list of texts",
    object_of: "mapping",
}


def kind_of(read: Reader) -> str:
    """Return what the reference calls the values of a reader; an empty text if the setting itself must say it."""
    return read.kind if isinstance(read, _Number) else _KINDS.get(read, "")
