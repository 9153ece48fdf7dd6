"""What LiteLLM's users write and Dragoman does not support yet, with a hint each: the one list is `unsupported.toml`."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from importlib import resources
from types import MappingProxyType

from dragoman.settings.suggestions import did_you_mean

__all__ = ["absent", "hint_of", "hint_of_key", "unsupported_names", "warn_of_setting"]

_SIMILARITY = 0.75
"""Of two names: a module has many, and unlike ones would be suggested."""
_NO_HINT = "not supported yet"
_SECTIONS = ("general_settings", "litellm_settings", "router_settings")


@functools.cache
def _places() -> Mapping[str, Mapping[str, str]]:
    """Return place -> name -> hint."""
    import tomllib

    data = tomllib.loads(resources.files("dragoman.litellm").joinpath("unsupported.toml").read_text(encoding="utf-8"))
    places: dict[str, dict[str, str]] = {}
    for group in data["group"]:
        hint = group.pop("hint")
        for place, names in group.items():
            places.setdefault(place, {}).update(dict.fromkeys(names.split(), hint))
    return MappingProxyType(places)


def unsupported_names(place: str) -> frozenset[str]:
    """Return the names of a place: a section of config.yaml, `call`, `request` or `sdk` (see the data file)."""
    return frozenset(_places().get(place, ()))


def hint_of(place: str, name: str) -> str:
    """Return what to use instead of a name; an empty text if the name is not in the list of the place."""
    return _places().get(place, {}).get(name, "")


def hint_of_key(path: str) -> str:
    """Return the hint for a key of config.yaml by its path, such as `model_list[3].litellm_params.max_budget`.

    Empty if the list says no more than that the key is not supported."""
    section, _, name = path.rpartition(".")
    place = section if section in _SECTIONS else "litellm_params" if section else "top_level"
    hint = hint_of(place, name) or hint_of("call", name)
    return "" if hint == _NO_HINT else hint


def absent(module: str, name: str, names: Iterable[str]) -> AttributeError:
    """Return the error for a name that a module does not have. `names` are those that it has."""
    return AttributeError(f"module {module!r} has no attribute {name!r}{_remark(name, names, '; ')}", name=name)


def warn_of_setting(name: str, settings: Iterable[str]) -> None:
    """Log that `dragoman.<name>` was set and is no setting, and what to use instead, or which of `settings` was meant."""
    import logging  # `import dragoman` needs none

    remark = _remark(name, settings, ": ")
    logging.getLogger("dragoman").warning("dragoman.%s is no setting, and has no effect%s", name, remark)


def _remark(name: str, names: Iterable[str], separator: str) -> str:
    hint = hint_of("sdk", name)
    return f"{separator}{hint}" if hint else did_you_mean(name, names, cutoff=_SIMILARITY)
