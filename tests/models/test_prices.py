"""Which rates hold, and when: held against genai-prices for each of its models, and at the edges by hand."""

from __future__ import annotations

import datetime
import itertools

import pytest
from genai_prices.data import providers

from dragoman.models import price_context, rates_at
from dragoman.models.prices import PriceTables, context_of, price_table
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate
from tests.models.genai import entry_of, rates_of
from tests.models.recorded_usages import recorded_usages

UTC = datetime.UTC
CONTEXTS = [
    {},
    {"service_tier": "flex"},
    {"service_tier": "priority"},
    {"service_tier": "fast", "processing": "batch"},
    {"service_tier": "default"},
    {"processing": "batch"},
    {"speed": "fast"},
    {"search_type": "fast"},
    {"unheard": "of"},
]
DAY, NIGHT = Rate(200), Rate(100)
NIGHTLY = ModelEntry(
    provider="p",
    model="m",
    prices=(
        PricePeriod({"input": DAY}),
        PricePeriod({"input": NIGHT}, hours=(datetime.time(22, 30), datetime.time(6))),
    ),
)


def moments() -> list[datetime.datetime]:
    days = [
        datetime.date(2023, 1, 1),
        datetime.date(2025, 3, 14),
        datetime.date(2026, 6, 30),
        datetime.date(2026, 11, 20),
    ]
    hours = [
        datetime.time(0, 0),
        datetime.time(0, 29, 59),
        datetime.time(0, 30),
        datetime.time(12),
        datetime.time(16, 30),
    ]
    return [datetime.datetime.combine(day, hour, UTC) for day, hour in itertools.product(days, hours)]


@pytest.mark.parametrize("provider", providers, ids=lambda provider: provider.id)
def test_the_rates_are_those_of_genai_prices(provider: object) -> None:
    for model in provider.models:  # type: ignore[attr-defined]
        entry = entry_of(provider, model)  # type: ignore[arg-type]
        contexts = CONTEXTS if model.price_variants else CONTEXTS[:1]
        for moment, context in itertools.product(_edges(entry, moments()), contexts):
            assert rates_at(entry, moment, context) == rates_of(model.get_prices(moment, context)), (model.id, moment)


def _edges(entry: ModelEntry, several: list[datetime.datetime]) -> list[datetime.datetime]:
    """These moments, and those just before and at which a period begins."""
    if not any(period.starts or period.hours for period in entry.prices):
        return several[:1]
    starts = {datetime.datetime.combine(p.starts, datetime.time(), UTC) for p in entry.prices if p.starts}
    return [*several, *starts, *(start - datetime.timedelta(microseconds=1) for start in starts)]


@pytest.mark.parametrize(
    ("hour", "rate"), [("22:29:59", DAY), ("22:30", NIGHT), ("00:00", NIGHT), ("05:59:59", NIGHT), ("06:00", DAY)]
)
def test_hours_may_cross_midnight(hour: str, rate: Rate) -> None:
    at = datetime.datetime.combine(datetime.date(2026, 5, 5), datetime.time.fromisoformat(hour), UTC)
    assert rates_at(NIGHTLY, at)["input"] == rate
    assert rates_at(NIGHTLY, at.replace(tzinfo=None))["input"] == rate, "a time without a zone is UTC"
    elsewhere = at.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    assert rates_at(NIGHTLY, elsewhere)["input"] == rate


def test_a_kept_table_is_replaced_when_its_time_is_over() -> None:
    tables = PriceTables()
    start = datetime.datetime(2026, 5, 5, tzinfo=UTC).timestamp()
    for minute in range(0, 2 * 24 * 60, 10):
        at = start + minute * 60
        found = tables.find(NIGHTLY, at, ())
        fresh = price_table(NIGHTLY, at, {})
        assert found.resolved == fresh.resolved
        assert found.since <= at < found.until
    assert tables.find(NIGHTLY, at, ()) is found


def test_tables_are_told_apart_by_row_and_context_and_are_few() -> None:
    tables = PriceTables(most=10)
    rows = [ModelEntry(provider="p", model="m", prices=(PricePeriod({"input": Rate(n)}),)) for n in range(50)]
    for row in (*rows, *rows):
        assert tables.find(row, 0.0, ()).resolved["input"][0] == row.prices[0].rates["input"].base
    assert len(tables._known) <= 10
    flex = ModelEntry(
        provider="p",
        model="m",
        prices=(PricePeriod({"input": Rate(4)}), PricePeriod({"input": Rate(2)}, when={"service_tier": "flex"})),
    )
    assert tables.find(flex, 0.0, ()).resolved["input"][0] == 4
    assert tables.find(flex, 0.0, (("service_tier", "flex"),)).resolved["input"][0] == 2


def test_before_the_first_period_the_first_is_the_best_that_is_known() -> None:
    entry = ModelEntry(
        provider="p",
        model="m",
        prices=(
            PricePeriod({"input": Rate(3)}, starts=datetime.date(2025, 1, 1)),
            PricePeriod({"input": Rate(2)}, starts=datetime.date(2026, 1, 1)),
        ),
    )
    rates = [rates_at(entry, datetime.datetime(year, 6, 1))["input"].base for year in (2024, 2025, 2026)]
    assert rates == [3, 3, 2]
    assert rates_at(ModelEntry(provider="p", model="m")) == {}


@pytest.mark.parametrize(
    ("usage", "request_body", "context"),
    [
        ({}, None, {}),
        ({"service_tier": "default"}, {"service_tier": "flex"}, {}),
        ({}, {"service_tier": "flex"}, {"service_tier": "flex"}),
        ({"service_tier": "priority"}, {}, {"service_tier": "priority"}),
        ({"service_tier": "batch"}, None, {"processing": "batch"}),
        (
            {"service_tier": "standard", "speed": "fast", "inference_geo": "us"},
            None,
            {"speed": "fast", "inference_geo": "us"},
        ),
        ({"service_tier": "standard", "speed": "standard", "inference_geo": "not_available"}, None, {}),
        ({"serviceTier": "FLEX"}, None, {"service_tier": "flex"}),
        ({"trafficType": "ON_DEMAND_PRIORITY"}, None, {"service_tier": "priority"}),
        ({"trafficType": "ON_DEMAND"}, None, {}),
        ({"search_context_size": "low"}, None, {"search_context_size": "low"}),
        ({}, {"web_search_options": {"search_context_size": "high"}}, {"search_context_size": "high"}),
        ({}, {"vendor_params": {"anthropic": {"speed": "fast"}}}, {"speed": "fast"}),
        ({"service_tier": 7, "speed": None}, {"service_tier": ["flex"], "vendor_params": 3}, {}),
    ],
)
def test_what_a_call_says_of_its_price(usage: dict[str, object], request_body: object, context: dict[str, str]) -> None:
    assert price_context(usage, request_body) == context  # type: ignore[arg-type]
    if request_body is None:
        assert dict(context_of(usage)) == context


def test_a_recorded_usage_alone_says_what_the_table_is_looked_up_by() -> None:
    for recorded in recorded_usages():
        assert dict(context_of(recorded.usage)) == price_context(recorded.usage)
