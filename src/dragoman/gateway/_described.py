"""A row of the catalogue as JSON: what is known of a model, what it costs in US dollars, and who says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.types.cost import BUCKETS, dollars
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate

__all__ = ["described", "facts_of_all"]

_WINDOWS = ("context_window", "max_input_tokens", "max_output_tokens")


def described(entry: ModelEntry) -> dict[str, Any]:
    """All that a row says. None: unknown; `prices` None: unpriced."""
    return {
        "provider": entry.provider,
        "model": entry.model,
        "matched_by": entry.matched_by,
        "mode": entry.mode,
        **{name: getattr(entry, name) for name in _WINDOWS},
        "reads": list(entry.reads),
        "writes": list(entry.writes),
        "abilities": dict(entry.abilities),
        "ability_sources": dict(entry.ability_sources),
        "released": entry.released,
        "deprecated": entry.deprecated,
        **_provenance(entry.facts_provenance),
        "prices": _prices(entry),
    }


def facts_of_all(entries: Sequence[ModelEntry | None]) -> dict[str, Any]:
    """What holds whichever of several deployments answers: the smallest window, and the abilities that all have."""
    known = [entry for entry in entries if entry is not None]
    sure = len(known) == len(entries)
    facts: dict[str, Any] = {}
    for name in _WINDOWS:
        sizes = [size for entry in known if (size := getattr(entry, name)) is not None]
        facts[name] = min(sizes) if sizes and len(sizes) == len(entries) else None
    named = dict.fromkeys(ability for entry in known for ability in entry.abilities)
    said = {ability: [entry.abilities.get(ability) for entry in known] for ability in named}
    facts["abilities"] = {ability: all(each) for ability, each in said.items() if False in each or (sure and all(each))}
    return facts


def _provenance(provenance: Provenance | None) -> dict[str, Any]:
    """`as_of`: the day of which the source speaks."""
    day = provenance.as_of if provenance else None
    return {"source": str(provenance) if provenance else None, "as_of": day.isoformat() if day else None}


def _prices(entry: ModelEntry) -> dict[str, Any] | None:
    if not entry.prices:
        return None
    return {
        "currency": "USD",
        **_provenance(entry.price_provenance),
        "periods": [_period(period) for period in entry.prices],
    }


def _period(period: PricePeriod) -> dict[str, Any]:
    hours = period.hours
    return {
        "starts": period.starts.isoformat() if period.starts else None,
        "hours": [hour.isoformat("minutes") for hour in hours] if hours else None,
        "when": dict(period.when),
        "rates": _rates(period.rates),
    }


def _rates(rates: Mapping[str, Rate]) -> dict[str, Any]:
    """`price` dollars for `per` units; `above`: the price of all of them, once the input exceeds so many tokens."""
    return {
        bucket: {
            "price": dollars(rate.base),
            "per": BUCKETS[bucket].per,
            **({"above": {str(above): dollars(price) for above, price in rate.tiers}} if rate.tiers else {}),
        }
        for bucket, rate in rates.items()
    }
