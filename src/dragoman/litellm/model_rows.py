"""Build a row of the catalogue from LiteLLM's names of prices and facts (see `price_names` for their meanings)."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dragoman.errors import ConfigError, DragomanError
from dragoman.litellm.price_names import (
    ABILITY_NAMES,
    TOKEN_LIMITS,
)
from dragoman.litellm.price_overlay import overlay_prices
from dragoman.litellm.price_reader import PriceReader
from dragoman.types.model_entry import ModelEntry, Provenance

__all__ = ["entry_from_mapping"]

_log = logging.getLogger("dragoman")
_READS_ALL_ITS_TOKENS = frozenset({"embedding", "rerank", "moderation"})
"""Modes whose `max_tokens` limits what goes in."""


def entry_from_mapping(
    mapping: Mapping[str, Any],
    *,
    provider: str,
    model: str,
    base: ModelEntry | None = None,
    source: str = "config",
    path: str = "",
    error: type[DragomanError] = ConfigError,
) -> ModelEntry:
    """Return the row that `mapping` describes under LiteLLM's names (dollars for one token, one second, ...).

    A given price replaces that of `base`, for all its times and service tiers (`..._flex` and the like: for that one); the rest
    of `base` stays. None counts as absent; keys that are neither a price nor a fact are skipped.
    Raise one `error` with a line for each wrong `path`; names that LiteLLM knows and that have no effect here are logged."""
    facts = _Facts(mapping, path)
    mode = facts.text("mode") or (base.mode if base else "chat")
    prices = PriceReader(mode, path)
    prices.read(mapping)
    fields = facts.fields(mode)
    periods = overlay_prices(base.prices if base else (), prices)
    _refuse([*facts.problems, *prices.problems], error)
    if prices.remarks:
        _log.warning("%s/%s: prices without effect: %s", provider, model, ", ".join(prices.remarks))
    entry = _moved(base, provider, model) if base else ModelEntry(provider=provider, model=model)
    if fields:
        fields |= _merged_abilities(entry, fields.pop("abilities", {}), source)
        fields["facts_provenance"] = _over(source, entry.facts_provenance)
    if prices.said:
        replaced = base.price_provenance if base and base.prices else None
        fields |= {"prices": periods, "price_provenance": _over(source, replaced)}
    return replace(entry, mode=mode, **fields)


def _refuse(problems: list[tuple[str, str]], error: type[DragomanError]) -> None:
    if problems:
        raise error("\n".join(f"{path}: {message}" for path, message in problems), param=problems[0][0])


def _merged_abilities(entry: ModelEntry, abilities: Mapping[str, bool], source: str) -> dict[str, Any]:
    if not abilities:
        return {}
    return {
        "abilities": {**entry.abilities, **abilities},
        "ability_sources": {**entry.ability_sources, **dict.fromkeys(abilities, source)},
    }


def _moved(base: ModelEntry, provider: str, model: str) -> ModelEntry:
    """Return the facts of `base` for the model of this name."""
    if (base.provider, base.model) == (provider, model):
        return base
    return replace(base, provider=provider, model=model, aliases=(), matched_by=f"base_model {base.name}")


def _over(source: str, under: Provenance | None) -> Provenance:
    """Return the provenance of values of `source` over those of another one."""
    if under is None or under.source == source:
        return under or Provenance(source)
    return Provenance(source, f"over {under}", under.as_of)


class _Facts:
    """Reads facts, and collects problems."""

    def __init__(self, mapping: Mapping[str, Any], path: str) -> None:
        self._mapping = mapping
        self._path = path
        self.problems: list[tuple[str, str]] = []

    def text(self, name: str) -> str:
        value = self._mapping.get(name)
        if value is not None and not isinstance(value, str):
            self._wrong(name, "a text", value)
            return ""
        return value or ""

    def fields(self, mode: str) -> dict[str, Any]:
        """Return the fields of a row that are facts; a mode alone is none."""
        fields: dict[str, Any] = {**self.limits(mode), **self.modalities()}
        if abilities := self.abilities():
            fields["abilities"] = abilities
        shut_down = self.deprecation_date()
        if shut_down is not None:
            is_over = shut_down <= datetime.datetime.now(datetime.UTC).date()
            fields |= {"deprecation_date": shut_down, "deprecated": is_over}
        return fields

    def limits(self, mode: str) -> dict[str, int]:
        """Return the limits of input and output. `max_tokens` is an older name of the one, or of the other if that is unknown."""
        either, most_in, most_out = (self._count(name) for name in TOKEN_LIMITS)
        if mode in _READS_ALL_ITS_TOKENS:
            most_in = either if most_in is None else most_in
        elif most_out is None and either != most_in:
            most_out = either
        found = {"max_input_tokens": most_in, "max_output_tokens": most_out}
        return {name: value for name, value in found.items() if value is not None}

    def modalities(self) -> dict[str, tuple[str, ...]]:
        found = {"reads": self._texts("supported_modalities"), "writes": self._texts("supported_output_modalities")}
        return {name: value for name, value in found.items() if value}

    def abilities(self) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for name, ability in ABILITY_NAMES.items():
            value = self._mapping.get(name)
            if isinstance(value, bool):
                found[ability] = value
            elif value is not None:
                self._wrong(name, "true or false", value)
        return found

    def deprecation_date(self) -> datetime.date | None:
        value = self._mapping.get("deprecation_date")
        if value is None:
            return None
        try:
            return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)
        except (TypeError, ValueError):
            self._wrong("deprecation_date", "a date such as 2027-01-31", value)
            return None

    def _count(self, name: str) -> int | None:
        value = self._mapping.get(name)
        if (isinstance(value, str) and value.isdecimal()) or (isinstance(value, float) and value.is_integer()):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        if value is not None:
            self._wrong(name, "a whole number of tokens", value)
        return None

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self._mapping.get(name)
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if value is not None:
            self._wrong(name, "a list of texts", value)
        return ()

    def _wrong(self, name: str, expected: str, value: Any) -> None:
        where = f"{self._path}.{name}" if self._path else name
        shown = repr(value)[:40] if isinstance(value, (int, float, str)) else type(value).__name__
        self.problems.append((where, f"expected {expected}, got {shown}"))
