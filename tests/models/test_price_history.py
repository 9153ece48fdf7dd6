"""New prices after old ones: before the day all costs what it did, from the day on all costs what the new row says."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from dragoman.models.price_history import extend_price_history
from dragoman.models.prices import rates_at
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate

DAY = datetime.date(2026, 11, 1)
PAST = [datetime.date(2025, 1, 1), datetime.date(2026, 1, 1)]
FUTURE = [datetime.date(2027, 1, 1), datetime.date(2027, 6, 1)]
WHENS: list[dict[str, str]] = [{"service_tier": "flex"}, {"processing": "batch"}, {"inference_geo": "us"}]
CONTEXTS: list[Mapping[str, str]] = [{}, *WHENS, {**WHENS[0], **WHENS[2]}]
NIGHT = (datetime.time(22), datetime.time(6))


def entry(*periods: PricePeriod) -> ModelEntry:
    return ModelEntry(provider="p", model="m", prices=periods)


def rates(price: int) -> dict[str, Rate]:
    return {"input": Rate(price)}


@st.composite
def periods(draw: st.DrawFn, days: list[datetime.date]) -> list[PricePeriod]:
    """A base, later prices that follow each other, and conditional ones."""
    prices = st.integers(1, 4).map(rates)
    starts = [None, *sorted(draw(st.lists(st.sampled_from(days), unique=True)))]
    whens = draw(st.lists(st.sampled_from(WHENS), unique_by=str))
    plain = [PricePeriod(draw(prices), starts=start) for start in starts]
    return [*plain, *(PricePeriod(draw(prices), when=when) for when in whens)]


@given(periods(PAST), periods(FUTURE))
def test_the_past_stays_and_the_future_is_new(old: list[PricePeriod], new: list[PricePeriod]) -> None:
    joined = extend_price_history(entry(*old), entry(*new), DAY)
    for day in [*PAST, DAY - datetime.timedelta(1), DAY, *FUTURE]:
        at = datetime.datetime.combine(day, datetime.time(12), datetime.UTC)
        true = entry(*old) if day < DAY else entry(*new)
        for context in CONTEXTS:
            assert rates_at(joined, at, context) == rates_at(true, at, context), (day, context)


@given(periods(PAST + FUTURE))
def test_nothing_happens_where_nothing_has_changed(old: list[PricePeriod]) -> None:
    assert extend_price_history(entry(*old), entry(*old), DAY).prices == tuple(old)


@given(periods(PAST), periods(FUTURE))
def test_the_same_news_twice_is_no_news(old: list[PricePeriod], new: list[PricePeriod]) -> None:
    once = extend_price_history(entry(*old), entry(*new), DAY)
    twice = extend_price_history(once, entry(*new), DAY + datetime.timedelta(30))
    assert sorted(map(repr, twice.prices)) == sorted(map(repr, once.prices))
    for day in [*PAST, DAY, DAY + datetime.timedelta(60), *FUTURE]:
        at = datetime.datetime.combine(day, datetime.time(12), datetime.UTC)
        for context in CONTEXTS:
            assert rates_at(once, at, context) == rates_at(twice, at, context)


def test_the_day_that_the_source_names_counts() -> None:
    new = entry(PricePeriod(rates(1)), PricePeriod(rates(2), starts=datetime.date(2026, 10, 12)))
    assert extend_price_history(entry(PricePeriod(rates(1))), new, DAY).prices == new.prices
    other = extend_price_history(entry(PricePeriod(rates(9))), new, DAY)
    assert [period.starts for period in other.prices] == [None, datetime.date(2026, 10, 12)]


def test_cheap_hours_end_with_the_old_price() -> None:
    old = entry(PricePeriod(rates(4)), PricePeriod(rates(1), hours=NIGHT))
    joined = extend_price_history(old, entry(PricePeriod(rates(3))), DAY)
    night = datetime.time(23)
    before = datetime.datetime.combine(DAY - datetime.timedelta(1), night, datetime.UTC)
    after = datetime.datetime.combine(DAY, night, datetime.UTC)
    assert (rates_at(joined, before), rates_at(joined, after)) == (rates(1), rates(3))


def test_a_row_without_prices_takes_none_away() -> None:
    new = entry(PricePeriod(rates(1)))
    assert extend_price_history(entry(), new, DAY) == new
