"""Lay the prices that were read over the price periods of a row of the catalogue."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dragoman.litellm.price_reader import Conditions, GivenPrice, PriceReader
from dragoman.types.cost import BUCKETS
from dragoman.types.model_entry import PricePeriod, Rate

__all__ = ["overlay_prices"]


def overlay_prices(periods: Sequence[PricePeriod], prices: PriceReader) -> tuple[PricePeriod, ...]:
    """Return the periods of a row with the given prices in place of their own. Problems are added to those of `prices`."""
    plain = prices.given.get((), {})
    new = [_conditional(when, given, periods, prices) for when, given in prices.given.items() if when]
    usual = [period for period in periods if not period.when] or ([PricePeriod({})] if plain else [])
    if not usual:
        _require_usual_prices(prices)
    usual = [replace(period, rates=_rates(period.rates, plain, prices)) for period in usual]
    return (*_with_off_peak(usual, prices), *new, *_remaining(periods, prices))


def _require_usual_prices(prices: PriceReader) -> None:
    """Add a problem if prices are given for some calls only."""
    partial = (*prices.given.values(), *(given for _, given in prices.off_peak))
    path = next((price.path for given in partial for price in given.values()), None)
    if path is not None:
        prices.problems.append((path, "is the price of some calls only: the price of all others is missing"))


def _with_off_peak(usual: list[PricePeriod], prices: PriceReader) -> list[PricePeriod]:
    """Return the periods of all calls, and one for each of the hours with prices of their own."""
    periods = list(usual)
    for hours, given in prices.off_peak:
        whole_days = [period for period in periods if period.hours is None]
        periods += [replace(period, rates=_rates(period.rates, given, prices), hours=hours) for period in whole_days]
        periods.sort(key=lambda period: period.starts or datetime.date.min)
    return periods


def _remaining(periods: Iterable[PricePeriod], prices: PriceReader) -> list[PricePeriod]:
    """Return the row's own prices of a service tier or the like that no given price replaces."""
    plain = prices.given.get((), {})
    remaining = []
    for period in periods:
        given = {*plain, *prices.given.get(tuple(period.when.items()), {})}
        rates = {bucket: rate for bucket, rate in period.rates.items() if bucket not in given}
        if period.when and rates:
            remaining.append(replace(period, rates=rates))
    return remaining


def _conditional(
    when: Conditions, given: Mapping[str, GivenPrice], periods: Iterable[PricePeriod], prices: PriceReader
) -> PricePeriod:
    """Return the period of a service tier or the like; it stands before those of the row, and so it counts."""
    old = next((period.rates for period in periods if tuple(period.when.items()) == when), {})
    plain = {bucket: rate for bucket, price in prices.given.get((), {}).items() if (rate := price.over(None))}
    below = {**plain, **old}
    rates = _rates(below, given, prices)
    return PricePeriod({bucket: rates[bucket] for bucket in given if bucket in rates}, when=dict(when))


def _rates(old: Mapping[str, Rate], given: Mapping[str, GivenPrice], prices: PriceReader) -> dict[str, Rate]:
    """Return `old` with the given prices in their places."""
    rates = dict(old)
    for bucket, price in given.items():
        under = next((rates[name] for name in (bucket, *BUCKETS[bucket].falls_back_to) if name in rates), None)
        rate = price.over(under if bucket in old or under is None else Rate(under.base))
        if rate is not None:
            rates[bucket] = rate
        elif (
            problem := (price.path, "says the price of many tokens only: the price of few is missing")
        ) not in prices.problems:
            prices.problems.append(problem)
    return rates
