"""A row of the catalogue under LiteLLM's names, in dollars."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dragoman.litellm.price_names import (
    ABILITY_NAMES,
    BY_CONTEXT_SIZE,
    CONDITIONS,
    PRICES,
    Meaning,
    meaning_of,
)
from dragoman.models.prices import rates_at
from dragoman.types.cost import BUCKETS, NANO_DOLLARS
from dragoman.types.model_entry import ModelEntry, Provenance, Rate

__all__ = ["as_model_info"]

_SEARCH = "search_context_cost_per_query"
_CONTEXT_SIZE = "search_context_size"
_FREE: Mapping[str, Rate] = {"input": Rate(0), "output": Rate(0)}


def as_model_info(entry: ModelEntry, *, key: str = "", at: datetime.datetime | None = None) -> dict[str, Any]:
    """What is known of a model, under LiteLLM's names: limits in tokens, prices in dollars for one, `supports_...` as True,
    False or None. None everywhere means unknown.

    Prices are those at `at` (now); a rate becomes the float that is nearest. `dragoman` tells whence all this is, and
    the rule by which a name led here."""
    most_in = entry.context_window if entry.max_input_tokens is None else entry.max_input_tokens
    return {
        "key": key or entry.name,
        "litellm_provider": entry.provider,
        "mode": entry.mode,
        "max_tokens": most_in if entry.max_output_tokens is None else entry.max_output_tokens,
        "max_input_tokens": most_in,
        "max_output_tokens": entry.max_output_tokens,
        **_prices(entry, at or datetime.datetime.now(datetime.UTC)),
        **{name: entry.abilities.get(ability) for name, ability in ABILITY_NAMES.items()},
        "supported_modalities": list(entry.reads) or None,
        "supported_output_modalities": list(entry.writes) or None,
        "deprecation_date": entry.deprecation_date and entry.deprecation_date.isoformat(),
        "dragoman": _provenance(entry),
    }


def _prices(entry: ModelEntry, at: datetime.datetime) -> dict[str, Any]:
    """Every price name without suffix, None where it has no price, and those with suffixes that say something else."""
    info: dict[str, Any] = dict.fromkeys(PRICES)
    if not entry.prices:
        return info
    names = _names(entry.mode)
    plain = rates_at(entry, at, {})
    _write(info, names, plain or _FREE, "")
    for condition, rates in _conditional_rates(entry, at, plain).items():
        _write(info, names, rates, condition)
    info["tiered_pricing"] = _tiers(names, plain)
    if "web_search" in plain:
        info[_SEARCH] = _search_prices(entry, at, names["web_search"][1])
    return info


def _conditional_rates(
    entry: ModelEntry, at: datetime.datetime, plain: Mapping[str, Rate]
) -> dict[str, dict[str, Rate]]:
    """Return the rates of service tiers and the like that differ from the plain ones."""
    conditions = {item for period in entry.prices for item in period.when.items()}
    rates = {
        condition: rates_at(entry, at, when)
        for condition, when in CONDITIONS.items()
        if conditions.intersection(when.items())
    }
    return {
        condition: {bucket: rate for bucket, rate in own.items() if plain.get(bucket) != rate}
        for condition, own in rates.items()
    }


def _search_prices(entry: ModelEntry, at: datetime.datetime, meaning: Meaning) -> dict[str, float]:
    """Return the dollars of a web search by how much of its results the model reads."""
    rates = {name: rates_at(entry, at, {_CONTEXT_SIZE: size}) for name, size in BY_CONTEXT_SIZE.items()}
    return {name: _dollars(own["web_search"].base, meaning) for name, own in rates.items()}


@functools.lru_cache(maxsize=64)
def _names(mode: str) -> Mapping[str, tuple[str, Meaning]]:
    """Bucket -> the name under which its price is written for a model of this mode."""
    names: dict[str, tuple[str, Meaning]] = {}
    for stem in PRICES:
        meaning = meaning_of(stem, mode)
        if meaning is not None:
            names.setdefault(meaning.bucket, (stem, meaning))
    return MappingProxyType(names)


def _write(
    info: dict[str, Any], names: Mapping[str, tuple[str, Meaning]], rates: Mapping[str, Rate], condition: str
) -> None:
    suffix = f"_{condition}" if condition else ""
    for bucket, rate in rates.items():
        if bucket not in names or names[bucket][0] == _SEARCH:
            continue
        stem, meaning = names[bucket]
        info[f"{stem}{suffix}"] = _dollars(rate.base, meaning)
        for above, price in rate.tiers:
            if above % 1000 == 0:
                info[f"{stem}_above_{above // 1000}k_tokens{suffix}"] = _dollars(price, meaning)


def _tiers(names: Mapping[str, tuple[str, Meaning]], rates: Mapping[str, Rate]) -> list[dict[str, Any]] | None:
    """All prices by the tokens that go in, where a threshold is no whole thousand and so has no name of its own."""
    starts = sorted({0, *(above for rate in rates.values() for above, _ in rate.tiers)})
    if not any(start % 1000 for start in starts):
        return None
    named = {bucket: names[bucket] for bucket in rates if bucket in names and names[bucket][0] != _SEARCH}
    tiers: list[dict[str, Any]] = []
    for start, end in zip(starts, (*starts[1:], None), strict=True):
        prices = {stem: _dollars(_price_at(rates[bucket], start), meaning) for bucket, (stem, meaning) in named.items()}
        tiers.append({"range": [start, end], **prices})
    return tiers


def _price_at(rate: Rate, tokens: int) -> int:
    """Return the price of an input just above so many tokens."""
    return next((price for above, price in reversed(rate.tiers) if above <= tokens), rate.base)


def _dollars(rate: int, meaning: Meaning) -> float:
    """Python divides whole numbers to the nearest float."""
    return rate * meaning.units / (NANO_DOLLARS * BUCKETS[meaning.bucket].per)


def _provenance(entry: ModelEntry) -> dict[str, Any]:
    prices, facts = entry.price_provenance, entry.facts_provenance
    return {
        "name": entry.name,
        "price_source": prices and prices.source,
        "price_version": prices and prices.version,
        "price_as_of": _day(prices),
        "facts_source": facts and facts.source,
        "facts_version": facts and facts.version,
        "facts_as_of": _day(facts),
        "matched_by": entry.matched_by,
    }


def _day(provenance: Provenance | None) -> str | None:
    return provenance.as_of.isoformat() if provenance and provenance.as_of else None
