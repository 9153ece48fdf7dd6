"""A row of the catalogue as JSON: what is known of a model, what it costs in US dollars, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dragoman.models import abilities
from dragoman.routing import Deployment
from dragoman.types.cost import BUCKETS, dollars
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate

__all__ = ["described", "merged", "no_row", "row_of"]

_WINDOWS = ("context_window", "max_input_tokens", "max_output_tokens")


def merged(entry: ModelEntry) -> ModelEntry:
    """A row with all that is known of its model's abilities: by which a request is refused, or fitted."""
    return _with_abilities(entry.provider, entry.model, entry)


def row_of(deployment: Deployment) -> ModelEntry | None:
    """The same of a deployment. None: the catalogue does not know its model."""
    entry = deployment.entry
    return None if entry is None else _with_abilities(deployment.provider.name, deployment.model, entry)


def _with_abilities(provider: str, model: str, entry: ModelEntry) -> ModelEntry:
    facts = abilities(provider, model, entry)
    return replace(entry, abilities=facts.can, ability_sources=facts.sources)


def no_row(deployment: Deployment) -> dict[str, Any]:
    """What is known of a model of which the catalogue knows nothing."""
    facts = abilities(deployment.provider.name, deployment.model)
    return {"abilities": dict(facts.can), "ability_sources": dict(facts.sources), "prices": None}


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
        "deprecation_date": entry.deprecation_date and entry.deprecation_date.isoformat(),
        **_provenance(entry.facts_provenance),
        "prices": _prices(entry),
    }


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
