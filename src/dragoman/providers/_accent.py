"""Which accent a row names or describes."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.errors import ConfigError
from dragoman.settings.suggestions import did_you_mean

__all__ = ["accent_from"]

_OWN_KEYS = frozenset({"accent", "param_mappings", "constraints", "special_handling"})
_CONSTRAINTS: Mapping[str, str] = MappingProxyType({"temperature_max": "max_temperature"})
"""LiteLLM's name for a limit -> the accent's."""
_TOKEN_FIELDS = frozenset({"max_tokens", "max_completion_tokens"})


def accent_from(row: Mapping[str, Any], dialect: str, path: str) -> Any:
    """The dialect's accent record for this row, or None where it says nothing of one."""
    if not _OWN_KEYS & row.keys():
        return None
    if dialect != "openai_chat":
        raise ConfigError(f"{path}: accents are known for the dialect 'openai_chat' only, not for {dialect!r}")
    spoken = importlib.import_module("dragoman.dialects.openai_chat")
    named = row.get("accent")
    if isinstance(named, str):
        if named not in spoken.ACCENTS:
            known = sorted(spoken.ACCENTS)
            raise ConfigError(f"{path}.accent: no accent {named!r}{did_you_mean(named, known)}, of {known}")
        base = spoken.ACCENTS[named]
    else:
        base = _described(spoken.ChatAccent, named or {}, f"{path}.accent")
    own = _litellm(row, path)
    return dataclasses.replace(base, **own) if own else base


def _described(kind: type[Any], given: Mapping[str, Any], path: str) -> Any:
    """An accent from a mapping of its fields."""
    from pydantic import (
        TypeAdapter,
        ValidationError,
    )  # on first use: it takes longer to import than all of this package

    known = [field.name for field in dataclasses.fields(kind)]
    wrong = [f"{path}.{key}: no such field{did_you_mean(key, known)}" for key in given if key not in known]
    if wrong:
        raise ConfigError("\n".join(wrong))
    try:
        return TypeAdapter(kind).validate_python(dict(given))
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, (path, *each['loc'])))}: {each['msg']}" for each in error.errors())
        raise ConfigError("\n".join(lines)) from None


def _litellm(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The accent of a row in LiteLLM's words: `param_mappings`, `constraints`."""
    if row.get("special_handling"):
        raise ConfigError(f"{path}.special_handling: not supported; describe the deviation in `accent`")
    constraints = row.get("constraints") or {}
    unknown = [key for key in constraints if key not in _CONSTRAINTS]
    if unknown:
        raise ConfigError(
            "\n".join(f"{path}.constraints.{key}: not supported{did_you_mean(key, _CONSTRAINTS)}" for key in unknown)
        )
    values: dict[str, Any] = {_CONSTRAINTS[key]: value for key, value in constraints.items()}
    renamed = {}
    for name, own in (row.get("param_mappings") or {}).items():
        if name in _TOKEN_FIELDS and own in _TOKEN_FIELDS:
            values["tokens_field"] = own
        else:
            renamed[name] = own
    return {**values, "renamed": renamed} if renamed else values
