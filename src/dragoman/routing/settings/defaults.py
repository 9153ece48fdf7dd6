"""What a router's settings say of all its deployments: defaults, and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dragoman.errors import ConfigError
from dragoman.routing.settings.call_options import NO_OPTIONS, CallOptions
from dragoman.routing.settings.options import split_params
from dragoman.settings.readers import at_least, object_of

if TYPE_CHECKING:
    pass

__all__ = ["Defaults", "default_params", "weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """`default_litellm_params`: for deployments that do not say it themselves."""

    options: CallOptions = NO_OPTIONS
    params: Mapping[str, Any] = field(default_factory=dict)
    """Of the request."""
    later: tuple[str, ...] = ()
    """Names that do nothing there."""


def default_params(value: Any, path: str) -> Defaults:
    said = object_of(value, path)
    for name in ("model", "model_name"):
        if name in said:
            raise ConfigError(f"{path}.{name}: is each deployment's own to say", param=f"{path}.{name}")
    parts = split_params(said, path)
    if parts.problems:
        lines = [f"{where}: {message}" for where, message in parts.problems]
        raise ConfigError("\n".join(lines), param=parts.problems[0].path)
    return Defaults(options=CallOptions(**parts.options), params=parts.rest, later=tuple(parts.ignored))


def weights(value: Any, path: str) -> dict[str, dict[str, float]]:
    """`{alias: {deployment: weight}}`, a deployment by its id or its `provider/model`."""
    amount = at_least(0)
    found: dict[str, dict[str, float]] = {}
    for alias, rows in object_of(value, path).items():
        where = f"{path}.{alias}"
        found[alias] = {name: amount(item, f"{where}.{name}") for name, item in object_of(rows, where).items()}
        if found[alias] and not any(found[alias].values()):
            raise ConfigError(f"{where}: expected a weight above 0 for at least one deployment", param=where)
    return found
