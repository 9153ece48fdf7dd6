"""Other names of models: the `model_group_alias` setting and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.settings.readers import boolean, object_of, text

__all__ = ["Alias", "parse_aliases"]


class Alias(NamedTuple):
    """Another name of a model."""

    model: str
    hidden: bool = False
    """It works, and appears in no list."""


def parse_aliases(value: Any, path: str) -> dict[str, Alias]:
    """Read `{name: model}` or `{name: {model, hidden}}`. Raise `ConfigError`."""
    aliases: dict[str, Alias] = {}
    for name, target in object_of(value, path).items():
        entry = target if isinstance(target, Mapping) else {"model": target}
        where = f"{path}.{name}"
        unknown = next((key for key in entry if key not in ("model", "hidden")), None)
        if unknown is not None:
            raise ConfigError(f"{where}.{unknown}: unknown key; known are model, hidden", param=f"{where}.{unknown}")
        model = text(entry.get("model"), where if entry is not target else f"{where}.model")
        aliases[name] = Alias(model, boolean(entry.get("hidden") or False, f"{where}.hidden"))
    return {name: _resolved(name, aliases, path) for name, alias in aliases.items() if alias.model != name}


def _resolved(name: str, aliases: Mapping[str, Alias], path: str) -> Alias:
    """Return the alias with the model at the end of its chain."""
    seen, model = [name], aliases[name].model
    while model in aliases and aliases[model].model != model:
        if model in seen:
            raise ConfigError(
                f"{path}.{name}: leads in a circle: {' -> '.join((*seen, model))}", param=f"{path}.{name}"
            )
        seen.append(model)
        model = aliases[model].model
    return aliases[name]._replace(model=model)
