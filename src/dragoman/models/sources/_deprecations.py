"""Add the days on which providers shut models down, from `deprecations.toml`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace

from dragoman.models.sources._tables import table
from dragoman.types.model_entry import ModelEntry

__all__ = ["deprecations_without_row", "with_deprecation_dates"]

_Shelves = Mapping[str, list[ModelEntry]]


def with_deprecation_dates(shelves: _Shelves) -> dict[str, list[ModelEntry]]:
    """Return the rows with their `deprecation_date`. A model whose day is announced is deprecated."""
    dates = _dates()
    return {provider: [_dated(entry, dates) for entry in entries] for provider, entries in shelves.items()}


def deprecations_without_row(shelves: _Shelves) -> list[str]:
    """Return the models that the table names and no row has."""
    names = {(entry.provider, entry.model) for entries in shelves.values() for entry in entries}
    return ["/".join(key) for key in _dates() if key not in names]


def _dated(entry: ModelEntry, dates: Mapping[tuple[str, str], datetime.date]) -> ModelEntry:
    date = dates.get((entry.provider, entry.model))
    return entry if date is None else replace(entry, deprecated=True, deprecation_date=date)


def _dates() -> dict[tuple[str, str], datetime.date]:
    listed = table("deprecations.toml")["deprecation"]
    return {(row["provider"], model): row["date"] for row in listed for model in row["models"]}
