"""The models to call when a model fails: the `fallbacks` settings and their readers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from dragoman.errors import ConfigError
from dragoman.routing.settings.options import split_params
from dragoman.types.json import JsonObject

__all__ = ["FallbackTarget", "Fallbacks", "parse_fallbacks", "parse_targets", "target_name"]

FallbackTarget: TypeAlias = str | JsonObject
"""An alias, `provider/model`, or an object with `model` and parameters of its own."""
Fallbacks: TypeAlias = Mapping[str, tuple[FallbackTarget, ...]]


def parse_fallbacks(value: Any, path: str) -> Fallbacks:
    """Read LiteLLM's form, `[{alias: [targets]}, ...]`, or one mapping. Raise `ConfigError` naming the path."""
    entries = [value] if isinstance(value, Mapping) else value
    if not isinstance(entries, (list, tuple)):
        raise ConfigError(f"{path}: expected a list of {{alias: [models]}}", param=path)
    fallbacks: dict[str, tuple[FallbackTarget, ...]] = {}
    for position, entry in enumerate(entries):
        where = path if isinstance(value, Mapping) else f"{path}[{position}]"
        if not isinstance(entry, Mapping):
            raise ConfigError(f"{where}: expected {{alias: [models]}}", param=where)
        for alias, targets in entry.items():
            if str(alias) in fallbacks:
                message = f"{where}.{alias}: the fallbacks of {alias!r} are given twice"
                raise ConfigError(message, param=f"{where}.{alias}")
            fallbacks[str(alias)] = parse_targets(targets, f"{where}.{alias}")
    return fallbacks


def parse_targets(value: Any, path: str) -> tuple[FallbackTarget, ...]:
    """Read a list of models, or of objects with `model`. Raise `ConfigError` naming the path."""
    targets = [value] if isinstance(value, str) else value
    if not isinstance(targets, (list, tuple)):
        raise ConfigError(f"{path}: expected a list of models", param=path)
    return tuple(_target(target, f"{path}[{position}]") for position, target in enumerate(targets))


def _target(target: Any, path: str) -> FallbackTarget:
    if isinstance(target, str):
        return target
    if not isinstance(target, Mapping) or not isinstance(target.get("model"), str):
        raise ConfigError(f"{path}: expected a model, or an object with `model`", param=path)
    for where, message in split_params(target, path).problems:
        raise ConfigError(f"{where}: {message}", param=where)
    return dict(target)


def target_name(target: FallbackTarget) -> str:
    """Return the alias or `provider/model` of a fallback."""
    return target if isinstance(target, str) else str(target["model"])
