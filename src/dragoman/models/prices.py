"""Which rates of a model hold at a moment, for a call of some kind."""

from __future__ import annotations

import contextlib
import datetime
import functools
import math
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from dragoman.types.cost import BUCKETS
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate

__all__ = [
    "Context",
    "PriceTable",
    "PriceTables",
    "as_seconds",
    "context_of",
    "price_context",
    "price_table",
    "rates_at",
]

Context: TypeAlias = tuple[tuple[str, str], ...]
"""What `price_context` gives, sorted: it can be looked up."""

_MANY = 4096
_DAY = 86_400
_ORDINARY = ("default", "standard", "standard_only", "auto", "on_demand", "provisioned", "unspecified")
"""Words of providers for the tier that the plain prices are for."""
_TRAFFIC: Mapping[str, str] = MappingProxyType({"ON_DEMAND_PRIORITY": "priority", "ON_DEMAND_FLEX": "flex"})
"""Vertex AI's words: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/UsageMetadata"""
_SAYS_NOTHING = frozenset({"standard", "global", "not_available", ""})
_OF_REQUEST = frozenset({"service_tier", "speed", "inference_geo", "web_search_options", "vendor_params"})
_OF_USAGE = frozenset({"serviceTier", "trafficType", "speed", "inference_geo", "search_context_size"})


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The rates of one model in one context, made ready for calculations, and how long they hold (Unix seconds)."""

    resolved: Mapping[str, tuple[int, tuple[tuple[int, int], ...], int, int]]
    """By bucket, fallbacks followed: (base, tiers, per, 2 x denominator / per)."""
    own: frozenset[str]
    """The buckets that have a rate of their own."""
    denominator: int
    """A multiple of each `per`, so that amounts of all buckets can be added up exactly."""
    model: str
    source: str
    since: float
    until: float


class PriceTables:
    """The tables that were needed last. A model is known by its identity: a changed model is another object."""

    def __init__(self, most: int = _MANY) -> None:
        self._most = most
        self._known: OrderedDict[Any, tuple[ModelEntry, PriceTable]] = OrderedDict()

    def find(self, entry: ModelEntry, at: float, context: Context) -> PriceTable:
        key = (id(entry), context)
        known = self._known.get(key)
        if known is not None and known[0] is entry and known[1].since <= at < known[1].until:
            return known[1]
        table = price_table(entry, at, dict(context))
        if len(self._known) >= self._most:
            with contextlib.suppress(KeyError):  # another thread was faster
                self._known.popitem(last=False)
        self._known[key] = (entry, table)
        return table


def rates_at(
    entry: ModelEntry, at: datetime.datetime | None = None, context: Mapping[str, str] | None = None
) -> Mapping[str, Rate]:
    """Return the rates of `entry` at a moment (None: now; UTC where it names no zone), in the words of the catalogue.

    Among the periods without a condition the last active one applies (if none is active, the first, as the best that is known).
    Those with a condition override it bucket by bucket, the first that matches first.
    """
    moment = _as_datetime(at)
    plain = [period for period in entry.prices if not period.when]
    rates: dict[str, Rate] = _conditional_rates(entry, moment, context) if context else {}
    active = [period for period in plain if _active(period, moment)] or plain[:1]
    return {**active[-1].rates, **rates} if active else rates


def _conditional_rates(entry: ModelEntry, moment: datetime.datetime, context: Mapping[str, str]) -> dict[str, Rate]:
    rates: dict[str, Rate] = {}
    for period in entry.prices:
        if period.when and _active(period, moment) and _matches(period, context):
            rates = {**period.rates, **rates}
    return rates


def price_table(entry: ModelEntry, at: float, context: Mapping[str, str]) -> PriceTable:
    """The table for the rates of `entry` at `at` (Unix seconds)."""
    rates = rates_at(entry, datetime.datetime.fromtimestamp(at, datetime.UTC), context)
    result = {}
    for name, bucket in BUCKETS.items():
        rate = next((rates[item] for item in (name, *bucket.falls_back_to) if item in rates), None)
        if rate is not None:
            result[name] = (rate.base, rate.tiers, bucket.per)
    denominator = math.lcm(*(per for _, _, per in result.values()))
    edges = sorted(_edges(entry, at))
    return PriceTable(
        resolved={name: (base, tiers, per, 2 * denominator // per) for name, (base, tiers, per) in result.items()},
        own=frozenset(rates),
        denominator=denominator,
        model=entry.name,
        source=str(entry.price_provenance or ""),
        since=max((edge for edge in edges if edge <= at), default=-math.inf),
        until=min((edge for edge in edges if edge > at), default=math.inf),
    )


def price_context(usage: Mapping[str, Any] | None, request: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return what changes the price of a call, in the words of the catalogue: `service_tier` (`flex`, `priority`, ...),
    `processing` (`batch`), `speed` (`fast`), `inference_geo`, `search_context_size`, `search_type`.

    The answer wins over the request: a provider may serve a call in another tier than the requested one.
    """
    values, asked = usage or {}, request or {}
    if _OF_REQUEST.isdisjoint(asked):
        return dict(context_of(values))
    vendor = _own_params(asked)
    search = asked.get("web_search_options")
    search = search if isinstance(search, Mapping) else {}
    traffic = values.get("trafficType")
    return dict(
        _context(
            _word(
                values.get("service_tier"),
                values.get("serviceTier"),
                _TRAFFIC.get(traffic) if isinstance(traffic, str) else None,
                asked.get("service_tier"),
            ),
            _word(values.get("speed"), asked.get("speed"), vendor.get("speed")),
            _word(values.get("inference_geo"), asked.get("inference_geo"), vendor.get("inference_geo")),
            _word(values.get("search_context_size"), search.get("search_context_size")),
            _word(search.get("search_type")),
        )
    )


def context_of(usage: Mapping[str, Any]) -> Context:
    """The same from a usage alone, sorted."""
    tier = usage.get("service_tier")
    if (tier is None or tier in _ORDINARY) and _OF_USAGE.isdisjoint(usage):
        return ()
    traffic = usage.get("trafficType")
    return _context(
        _word(tier, usage.get("serviceTier"), _TRAFFIC.get(traffic) if isinstance(traffic, str) else None),
        _word(usage.get("speed")),
        _word(usage.get("inference_geo")),
        _word(usage.get("search_context_size")),
        "",
    )


@functools.lru_cache(maxsize=256)
def _context(tier: str, speed: str, geo: str, search_size: str, search_type: str) -> Context:
    result = {
        "speed": speed,
        "inference_geo": geo,
        "search_context_size": search_size,
        "search_type": search_type,
    }
    context = {name: word for name, word in result.items() if word not in _SAYS_NOTHING}
    tier = tier.lower()
    if tier == "batch":
        context["processing"] = "batch"
    elif tier and tier not in _ORDINARY:
        context["service_tier"] = tier
    return tuple(sorted(context.items()))


def _as_datetime(at: datetime.datetime | None) -> datetime.datetime:
    if at is None:
        return datetime.datetime.now(datetime.UTC)
    return at.replace(tzinfo=datetime.UTC) if at.tzinfo is None else at.astimezone(datetime.UTC)


def as_seconds(at: datetime.datetime | float | None) -> float:
    """Unix seconds."""
    if isinstance(at, (int, float)):
        return at
    return time.time() if at is None else _as_datetime(at).timestamp()


def _own_params(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters of one vendor's API, whoever it is."""
    params = request.get("vendor_params")
    result: dict[str, Any] = {}
    for own in params.values() if isinstance(params, Mapping) else ():
        result |= own if isinstance(own, Mapping) else {}
    return result


_LONGEST_WORD = 64
"""Characters. No price depends on anything longer, and the words of a provider are kept in caches."""


def _word(*values: Any) -> str:
    return next((value for value in values if isinstance(value, str) and 0 < len(value) <= _LONGEST_WORD), "")


def _matches(period: PricePeriod, context: Mapping[str, str]) -> bool:
    return all(context.get(key) == value for key, value in period.when.items())


def _active(period: PricePeriod, moment: datetime.datetime) -> bool:
    if period.starts is not None and moment.date() < period.starts:
        return False
    if period.hours is None:
        return True
    start, end = period.hours
    now = moment.time()
    return start <= now < end if start <= end else now >= start or now < end


def _edges(entry: ModelEntry, at: float) -> Iterator[float]:
    """The moments around `at` at which other rates may begin to hold."""
    today = at // _DAY * _DAY
    for period in entry.prices:
        if period.starts is not None:
            yield datetime.datetime.combine(period.starts, datetime.time(), datetime.UTC).timestamp()
        for hour in period.hours or ():
            seconds = hour.hour * 3600 + hour.minute * 60 + hour.second + hour.microsecond / 1e6
            yield from (today + days * _DAY + seconds for days in (-1, 0, 1))
