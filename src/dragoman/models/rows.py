"""A row of the catalogue as JSON, and back: the one format of the shipped files and of a user's own price file.

Money is written in US dollars as text (`"2.5"`), for `BUCKETS[bucket].per` units, and read exactly into nano-dollars.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from dragoman.errors import ConfigError
from dragoman.types.cost import BUCKETS, NANO_DOLLARS, dollars
from dragoman.types.model_entry import ABILITIES, ModelEntry, PricePeriod, Provenance, Rate

__all__ = ["Sources", "entry_of", "row_of"]

Sources = Mapping[str, Provenance]
"""Provenance by the short name under which rows refer to it."""

_PLAIN = ("mode", "context_window", "max_input_tokens", "max_output_tokens", "released", "deprecated")
_LISTS = ("reads", "writes")
_PROVENANCES = ("price_provenance", "facts_provenance")
_FIELDS = frozenset(
    {"provider", "model", "aliases", *_PLAIN, *_LISTS, "deprecation_date", "can", "cannot", "prices", *_PROVENANCES},
)
_COUNTS = ("context_window", "max_input_tokens", "max_output_tokens")
_UNSAID: Mapping[str, Any] = {"mode": "chat", "released": ""}


def row_of(entry: ModelEntry, sources: Sources | None = None) -> dict[str, Any]:
    """Return the entry as JSON values, without what is unknown. `sources` are those that may be referred to by name."""
    row: dict[str, Any] = {"provider": entry.provider, "model": entry.model, "aliases": list(entry.aliases)}
    row |= {key: value for key in _PLAIN if (value := getattr(entry, key)) not in (None, _UNSAID.get(key))}
    row["deprecation_date"] = entry.deprecation_date.isoformat() if entry.deprecation_date else None
    row |= {key: list(getattr(entry, key)) for key in _LISTS}
    row |= {key: _written_abilities(entry, can) for key, can in (("can", True), ("cannot", False))}
    row["prices"] = [_written_period(period) for period in entry.prices]
    row |= {key: _written_provenance(values, sources or {}) for key in _PROVENANCES if (values := getattr(entry, key))}
    return {key: value for key, value in row.items() if value not in (None, [])}


def _written_abilities(entry: ModelEntry, can: bool) -> list[str]:
    return [name for name in ABILITIES if entry.abilities.get(name) is can]


def entry_of(row: Mapping[str, Any], sources: Sources | None = None) -> ModelEntry:
    """The entry that a row tells. Raises `ConfigError`, which names the model and the field that is wrong."""
    name = f"{row.get('provider')}/{row.get('model')}"
    try:
        return _entry(row, sources or {})
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ConfigError(f"price row {name[:200]!r}: {error}") from error


def _entry(row: Mapping[str, Any], sources: Sources) -> ModelEntry:
    _check_fields(row)
    fields: dict[str, Any] = {key: row[key] for key in _PLAIN if row.get(key) is not None}
    fields |= {key: _names(row, key) for key in ("aliases", *_LISTS)}
    fields |= {key: _provenance(row[key], sources) for key in _PROVENANCES if row.get(key) is not None}
    if row.get("deprecation_date") is not None:
        fields["deprecation_date"] = _day(row["deprecation_date"])
    return ModelEntry(
        provider=row["provider"],
        model=row["model"],
        abilities=_abilities(row),
        prices=tuple(_period(period) for period in row.get("prices", ())),
        **fields,
    )


def _check_fields(row: Mapping[str, Any]) -> None:
    unknown = sorted(set(row) - _FIELDS)
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}")
    for key in ("provider", "model"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise ValueError(f"{key} must be a non-empty string")
    for key in _COUNTS:
        if key in row and (type(row[key]) is not int or row[key] < 0):
            raise ValueError(f"{key} must be a number of tokens, not {row[key]!r}")


def _names(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = row.get(key, ())
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key} must be a list of strings")
    return tuple(names)


def _abilities(row: Mapping[str, Any]) -> dict[str, bool]:
    values = {name: True for name in _names(row, "can")} | {name: False for name in _names(row, "cannot")}
    unknown = sorted(set(values) - set(ABILITIES))
    if unknown:
        raise ValueError(f"unknown ability {unknown[0]!r}; known are {', '.join(ABILITIES)}")
    return {name: values[name] for name in ABILITIES if name in values}


# ── Prices ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _written_period(period: PricePeriod) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if period.starts is not None:
        written["starts"] = period.starts.isoformat()
    if period.hours is not None:
        written["hours"] = [hour.isoformat("auto") for hour in period.hours]
    if period.when:
        written["when"] = dict(period.when)
    return written | {"rates": {name: _written_rate(period.rates[name]) for name in BUCKETS if name in period.rates}}


def _written_rate(rate: Rate) -> Any:
    if not rate.tiers:
        return dollars(rate.base)
    return {"base": dollars(rate.base), "above": {str(start): dollars(price) for start, price in rate.tiers}}


def _period(period: Mapping[str, Any]) -> PricePeriod:
    unknown = sorted(set(period) - {"rates", "starts", "hours", "when"})
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r} of a price")
    hours = period.get("hours")
    starts = period.get("starts")
    return PricePeriod(
        rates={name: _rate(name, rate) for name, rate in period["rates"].items()},
        starts=None if starts is None else _day(starts),
        hours=None if hours is None else _hours(hours),
        when={str(key): str(value) for key, value in period.get("when", {}).items()},
    )


def _rate(bucket: str, written: Any) -> Rate:
    if bucket not in BUCKETS:
        raise ValueError(f"unknown bucket {bucket!r}; known are {', '.join(BUCKETS)}")
    if not isinstance(written, Mapping):
        return Rate(_nano_dollars(written))
    above = sorted((int(start), _nano_dollars(price)) for start, price in written.get("above", {}).items())
    return Rate(_nano_dollars(written["base"]), tuple(above))


def _nano_dollars(written: Any) -> int:
    """Dollars as text or as a number, exactly."""
    try:
        amount = Decimal(str(written)) * NANO_DOLLARS
    except InvalidOperation:
        raise ValueError(f"{written!r} is no amount of dollars") from None
    if isinstance(written, bool) or not amount.is_finite() or amount < 0 or amount != int(amount):
        raise ValueError(f"{written!r} is no amount of dollars, or has more than nine decimals")
    return int(amount)


def _day(written: Any) -> datetime.date:
    return written if isinstance(written, datetime.date) else datetime.date.fromisoformat(written)


def _hours(written: Iterable[Any]) -> tuple[datetime.time, datetime.time]:
    start, end = (hour if isinstance(hour, datetime.time) else datetime.time.fromisoformat(hour) for hour in written)
    return start, end


# ── Provenance ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _written_provenance(values: Provenance, sources: Sources) -> Any:
    if sources.get(values.source) == values or values == Provenance(values.source):
        return values.source
    written = {"source": values.source, "version": values.version, "as_of": values.as_of and values.as_of.isoformat()}
    return {key: value for key, value in written.items() if value}


def _provenance(written: Any, sources: Sources) -> Provenance:
    if isinstance(written, str):
        return sources.get(written) or Provenance(written)
    as_of = written.get("as_of")
    return Provenance(written["source"], written.get("version", ""), None if as_of is None else _day(as_of))
