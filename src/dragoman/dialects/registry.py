"""The dialects: one row for each, which names the folder of its record. A dialect is imported when it is first used.

Other distributions add theirs by an entry point of the group `dragoman.dialects`; see docs/add-a-dialect.md.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.dialects.dialect import Dialect
from dragoman.errors import ConfigError
from dragoman.types.operations import OPERATIONS, Operation

__all__ = [
    "ENTRY_POINTS",
    "dialect_names",
    "dialects",
    "find_dialect",
    "find_operation",
    "is_dialect",
    "operation_names",
]

ENTRY_POINTS = "dragoman.dialects"
"""The group of entry points under which other distributions offer a `Dialect`, each under its name."""

_BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "openai_chat": "dragoman.dialects.openai_chat",
        "anthropic_messages": "dragoman.dialects.anthropic_messages",
        "gemini": "dragoman.dialects.gemini",
    }
)
"""Name -> the module whose `DIALECT` is its record. The first is that of clients who show no sign of another."""


def find_dialect(name: str) -> Dialect:
    """Return the dialect of this name. Raise `KeyError` for an unknown one, `ConfigError` for an installed one that is broken."""
    module = _BUILT_IN.get(name)
    if module is None:
        return _installed()[name]
    found: Dialect = importlib.import_module(module).DIALECT
    return found


def is_dialect(name: str) -> bool:
    """Return whether there is a dialect of this name, without importing a built-in one."""
    return name in _BUILT_IN or name in _installed()


def dialect_names() -> tuple[str, ...]:
    """Return the names of all dialects."""
    return (*_BUILT_IN, *_installed())


def dialects() -> tuple[Dialect, ...]:
    """Return all dialects, imported."""
    return (*map(find_dialect, _BUILT_IN), *_installed().values())


def find_operation(name: str) -> Operation | None:
    """Return the operation of this name, a built-in one or one that an installed dialect brings, or None."""
    return OPERATIONS.get(name) or _more_operations().get(name)


def operation_names() -> tuple[str, ...]:
    """Return the names of all operations."""
    return (*OPERATIONS, *_more_operations())


def _more_operations() -> dict[str, Operation]:
    codecs = [endpoint.codec for dialect in _installed().values() for endpoint in dialect.endpoints.values()]
    codecs += [route.codec for dialect in _installed().values() for route in dialect.routes]
    return {codec.operation.name: codec.operation for codec in codecs if codec.operation.name not in OPERATIONS}


@functools.cache
def _installed() -> Mapping[str, Dialect]:
    """Return the dialects of other distributions by name. A built-in name stays with the built-in dialect."""
    from importlib.metadata import entry_points  # it takes longer to import than all of this package

    plugins = [plugin for plugin in entry_points(group=ENTRY_POINTS) if plugin.name not in _BUILT_IN]
    return MappingProxyType({plugin.name: _loaded(plugin) for plugin in plugins})


def _loaded(plugin: Any) -> Dialect:
    try:
        dialect = plugin.load()
    except Exception as error:
        raise ConfigError(
            f"the installed dialect {plugin.name!r} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(dialect, Dialect) or dialect.name != plugin.name:
        raise ConfigError(f"the installed dialect {plugin.name!r}: expected a Dialect of that name at {plugin.value}")
    return dialect
