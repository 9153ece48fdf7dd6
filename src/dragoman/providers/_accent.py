"""Which accent a row names or describes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.dialects.dialect import Dialect
from dragoman.dialects.registry import find_dialect
from dragoman.errors import ConfigError
from dragoman.settings.suggestions import did_you_mean

__all__ = ["accent_from"]

_OWN_KEYS = frozenset({"accent", "param_mappings", "constraints", "special_handling"})
_CONSTRAINTS: Mapping[str, str] = MappingProxyType({"temperature_max": "max_temperature"})
"""LiteLLM's name for a limit -> the accent's."""
_TOKEN_FIELDS = frozenset({"max_tokens", "max_completion_tokens"})


def accent_from(row: Mapping[str, Any], dialect: str, path: str) -> Any:
    """Return the dialect's accent record for this row, or None if the row describes no accent. Raise `ConfigError`."""
    if not _OWN_KEYS & row.keys():
        return None
    record = find_dialect(dialect)
    if record.accent_type is None:
        raise ConfigError(f"{path}: the dialect {dialect!r} has no accents")
    accent = row.get("accent")
    base = (
        _named(record, accent, path)
        if isinstance(accent, str)
        else _described(record.accent_type, accent or {}, f"{path}.accent")
    )
    litellm = _litellm(row, path)
    unknown = litellm.keys() - {field.name for field in dataclasses.fields(record.accent_type)}
    if unknown:
        raise ConfigError(f"{path}: param_mappings and constraints do not exist for the dialect {dialect!r}")
    return dataclasses.replace(base, **litellm) if litellm else base


def _named(dialect: Dialect, name: str, path: str) -> Any:
    if name not in dialect.accents:
        names = sorted(dialect.accents)
        raise ConfigError(f"{path}.accent: no accent {name!r}{did_you_mean(name, names)}, of {names}")
    return dialect.accents[name]


def _described(kind: type[Any], fields: Mapping[str, Any], path: str) -> Any:
    """Return an accent from a mapping of its fields."""
    from pydantic import (
        TypeAdapter,
        ValidationError,
    )  # on first use: it takes longer to import than all of this package

    names = [field.name for field in dataclasses.fields(kind)]
    wrong = [f"{path}.{key}: no such field{did_you_mean(key, names)}" for key in fields if key not in names]
    if wrong:
        raise ConfigError("\n".join(wrong))
    try:
        return TypeAdapter(kind).validate_python(dict(fields))
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, (path, *each['loc'])))}: {each['msg']}" for each in error.errors())
        raise ConfigError("\n".join(lines)) from None


def _litellm(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the accent's fields that a row gives in LiteLLM's words: `param_mappings`, `constraints`."""
    if row.get("special_handling"):
        raise ConfigError(f"{path}.special_handling: not supported; describe the deviation in `accent`")
    return {**_limits(row.get("constraints") or {}, path), **_names(row.get("param_mappings") or {})}


def _limits(constraints: Mapping[str, Any], path: str) -> dict[str, Any]:
    unknown = [key for key in constraints if key not in _CONSTRAINTS]
    if unknown:
        raise ConfigError(
            "\n".join(f"{path}.constraints.{key}: not supported{did_you_mean(key, _CONSTRAINTS)}" for key in unknown)
        )
    return {_CONSTRAINTS[key]: value for key, value in constraints.items()}


def _names(mappings: Mapping[str, str]) -> dict[str, Any]:
    """Return how parameters are named on the wire. The limit of tokens has two names, of which the accent names the one to use."""
    tokens = [wire for name, wire in mappings.items() if {name, wire} <= _TOKEN_FIELDS]
    renamed = {name: wire for name, wire in mappings.items() if not {name, wire} <= _TOKEN_FIELDS}
    return {**({"tokens_field": tokens[-1]} if tokens else {}), **({"renamed": renamed} if renamed else {})}
