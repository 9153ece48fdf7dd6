"""What a call cost: exact, line by line, and never a number that nobody knows."""

from __future__ import annotations

import datetime
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.models import cost_of, reported_cost
from dragoman.models.prices import price_table
from dragoman.types.cost import BUCKETS, Cost, dollars
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate
from dragoman.types.usage import bucket_counts
from tests.types.usages import USAGES


def entry(*periods: PricePeriod, **rates: int | Rate) -> ModelEntry:
    own = {bucket: rate if isinstance(rate, Rate) else Rate(rate) for bucket, rate in rates.items()}
    return ModelEntry(
        provider="p",
        model="m",
        prices=(*([PricePeriod(own)] if own else []), *periods),
        price_provenance=Provenance("config"),
    )


GPT = entry(input=2_500_000_000, cache_read=1_250_000_000, output=10_000_000_000)
COUNTS = st.dictionaries(st.sampled_from(sorted(BUCKETS)), st.integers(1, 10**7), min_size=1)
RATES = st.dictionaries(
    st.sampled_from(sorted(BUCKETS)),
    st.tuples(st.integers(0, 10**11), st.lists(st.integers(1, 10**6), max_size=2, unique=True)).map(
        lambda drawn: Rate(drawn[0], tuple((limit, drawn[0] * (n + 2)) for n, limit in enumerate(sorted(drawn[1]))))
    ),
    min_size=1,
)


def test_a_call_is_priced_bucket_by_bucket() -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 200,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    cost = cost_of(usage, GPT)
    assert cost.total == 600 * 2500 + 400 * 1250 + 200 * 10_000
    assert {line.bucket: (line.count, line.rate, line.per, line.amount) for line in cost.lines} == {
        "cache_read": (400, 1_250_000_000, 1_000_000, 500_000),
        "input": (600, 2_500_000_000, 1_000_000, 1_500_000),
        "reasoning": (50, 10_000_000_000, 1_000_000, 500_000),
        "output": (150, 10_000_000_000, 1_000_000, 1_500_000),
    }
    assert (cost.model, cost.source, cost.unpriced, cost.reported) == ("p/m", "config", (), None)
    assert dollars(cost.total) == "0.004"


@given(COUNTS, RATES)
def test_the_lines_are_the_cost(counts: dict[str, int], rates: dict[str, Rate]) -> None:
    row = entry(PricePeriod(rates))
    cost = cost_of({}, row, counts=counts)
    used = counts | ({"request": 1} if "request" in rates and "request" not in counts else {})
    assert {line.bucket for line in cost.lines} | set(cost.unpriced) <= set(used)
    if cost.total is None:
        assert not cost.lines
        assert cost.unpriced
        return
    exact = sum((Fraction(line.count * line.rate, line.per) for line in cost.lines), Fraction(0))
    assert cost.total == math.floor(exact + Fraction(1, 2)), "the exact sum, rounded half up once"
    assert cost.total == sum(line.amount for line in cost.lines)
    for line in cost.lines:
        assert abs(line.amount - Fraction(line.count * line.rate, line.per)) < 1
        assert line.amount >= 0


@given(COUNTS, RATES, st.sampled_from(sorted(BUCKETS)), st.integers(1, 10**6))
def test_more_of_anything_never_costs_less(
    counts: dict[str, int], rates: dict[str, Rate], more: str, many: int
) -> None:
    row = entry(PricePeriod(rates))
    counts.pop("input_audio_second", None)  # sold instead of tokens of audio: see below
    if more != "input_audio_second":
        before = cost_of({}, row, counts=counts).total or 0
        after = cost_of({}, row, counts=counts | {more: counts.get(more, 0) + many}).total or 0
        assert after >= before


@given(USAGES)
def test_any_usage_has_a_cost(usage: dict[str, Any]) -> None:
    cost = cost_of(usage, GPT)
    assert cost.total is not None or cost.unpriced or not usage.keys() & {"prompt_tokens", "completion_tokens"}
    assert (cost.total or 0) == sum(line.amount for line in cost.lines)
    priced = {line.bucket: line.count for line in cost.lines}
    assert priced | dict.fromkeys(cost.unpriced, 0) == bucket_counts(usage) | dict.fromkeys(cost.unpriced, 0)


@pytest.mark.parametrize(("bucket", "way"), [(name, bucket.falls_back_to) for name, bucket in BUCKETS.items()])
def test_a_bucket_without_a_rate_takes_the_one_it_falls_back_to(bucket: str, way: tuple[str, ...]) -> None:
    for place, other in enumerate((bucket, *way)):
        later = dict.fromkeys((bucket, *way)[place + 1 :], 7)
        cost = cost_of({}, entry(**{**later, other: 10**9}), counts={bucket: BUCKETS[bucket].per})
        assert [(line.bucket, line.rate) for line in cost.lines if line.bucket == bucket] == [(bucket, 10**9)]
    cost = cost_of({}, entry(PricePeriod({"other": Rate(1)})), counts={bucket: 1})
    assert (cost.total, cost.unpriced) == (None, (bucket,))


def test_half_a_nano_dollar_is_rounded_up_once() -> None:
    row = entry(input=500_000, output=500_000)
    assert cost_of({"prompt_tokens": 1}, row).total == 1
    both = cost_of({"prompt_tokens": 1, "completion_tokens": 1}, row)
    assert both.total == 1, "0.5 + 0.5, not 1 + 1"
    assert [line.amount for line in both.lines] == [1, 0]


def test_the_tier_is_that_of_all_input_together() -> None:
    row = entry(
        input=Rate(10**9, ((200_000, 2 * 10**9), (500_000, 3 * 10**9))), output=Rate(10**9, ((200_000, 5 * 10**9),))
    )

    def rates(prompt: int, cached: int) -> dict[str, int]:
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": 1000,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        return {line.bucket: line.rate for line in cost_of(usage, row).lines}

    assert rates(200_000, 1) == {"input": 10**9, "cache_read": 10**9, "output": 10**9}
    assert rates(200_001, 199_999) == {"input": 2 * 10**9, "cache_read": 2 * 10**9, "output": 5 * 10**9}
    assert rates(500_001, 1) == {"input": 3 * 10**9, "cache_read": 3 * 10**9, "output": 5 * 10**9}


def test_unknown_is_none_free_is_nothing_and_unpriced_is_said() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "server_tool_use": {"web_search_requests": 2}}
    assert cost_of(usage, None) == Cost(None)
    assert cost_of(usage, entry()) == Cost(None, model="p/m")
    assert cost_of(None, GPT).total is None
    assert cost_of({"service_tier": "default"}, GPT).total is None, "it tells nothing of what was used"
    assert cost_of({"prompt_tokens": 0, "completion_tokens": 0}, GPT).total == 0
    assert cost_of(usage, entry(PricePeriod({}))).total == 0
    assert cost_of(usage, entry(PricePeriod({}))).unpriced == ()
    half = cost_of(usage, GPT)
    assert half.total == 10 * 2500 + 5 * 10_000
    assert half.unpriced == ("web_search",)
    assert cost_of(usage, entry(image=10**9)).total is None, "nothing of it has a price"


def test_requests_searches_and_what_no_usage_tells() -> None:
    row = entry(input=10**9, request=5 * 10**9, web_search=10**10, input_character=15 * 10**9)
    usage = {"prompt_tokens": 1000, "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 9}}
    assert cost_of(usage, row).total == 1_000_000 + 5_000_000 + 30_000_000
    spoken = cost_of(None, entry(input_character=15 * 10**9), counts={"input_character": 100, "image": 0})
    assert spoken.total == 1_500_000
    assert cost_of({"num_sources_used": 4, "prompt_tokens": 1}, row).unpriced == ("search_source",)


def test_audio_is_sold_by_its_length_or_by_its_tokens() -> None:
    usage = {"prompt_tokens": 384, "prompt_tokens_details": {"audio_tokens": 375}, "prompt_audio_seconds": 36}
    by_length = cost_of(usage, entry(input=10**9, audio_second=3600 * 10**6))
    assert {line.bucket: line.count for line in by_length.lines} == {"input": 9, "input_audio_second": 36}
    by_token = cost_of(usage, entry(input=10**9))
    assert {line.bucket: line.count for line in by_token.lines} == {"input": 9, "input_audio": 375}
    assert by_token.unpriced == ()
    assert cost_of({"prompt_audio_seconds": 36}, entry(input=10**9)).unpriced == ("input_audio_second",)


def test_what_was_compacted_is_paid_and_another_models_advice_is_said_to_be_unpriced() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500, "cache_read_input_tokens": 10},
        {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000},
        {"type": "advisor_message", "input_tokens": 2_543, "output_tokens": 18, "model": "claude-opus-4-8"},
    ]
    cost = cost_of({"prompt_tokens": 23_000, "completion_tokens": 1_000, "iterations": iterations}, GPT)
    assert {line.bucket: line.count for line in cost.lines} == {"input": 203_000, "cache_read": 10, "output": 4_500}
    assert cost.unpriced == ("other_model",)


def test_an_old_call_keeps_its_price_and_a_changed_row_has_its_own() -> None:
    row = entry(PricePeriod({"input": Rate(5 * 10**9)}, starts=datetime.date(2026, 5, 1)), input=10**9)
    usage = {"prompt_tokens": 1000}
    for _ in range(2):
        assert cost_of(usage, row, at=datetime.datetime(2026, 4, 30, 23, 59)).total == 1_000_000
        assert cost_of(usage, row, at=datetime.datetime(2026, 5, 1)).total == 5_000_000
    assert cost_of(usage, entry(input=3 * 10**9)).total == 3_000_000


def test_the_tier_that_served_has_its_price() -> None:
    flex = PricePeriod({"input": Rate(10**9)}, when={"service_tier": "flex"})
    row = entry(flex, input=2 * 10**9, output=4 * 10**9)
    usage = {"prompt_tokens": 1000, "completion_tokens": 1000, "service_tier": "flex"}
    assert cost_of(usage, row).total == 1_000_000 + 4_000_000
    assert cost_of(usage | {"service_tier": "default"}, row).total == 6_000_000
    assert cost_of(usage, row, context={}).total == 6_000_000


@pytest.mark.parametrize(
    ("usage", "amount"),
    [
        ({}, None),
        ({"cost": 0.00597125}, 5_971_250),
        ({"cost": 0}, 0),
        ({"cost": 1e-9}, 1),
        ({"cost": 4.9e-10}, 0),
        ({"cost": {"total_cost": 0.00508, "request_cost": 0.005}}, 5_080_000),
        ({"cost": 0.0001, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.002}}, 2_100_000),
        ({"cost": 0.0001, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.002}}, 100_000),
        ({"cost_in_usd_ticks": 2_205_000}, 220_500),
        ({"cost_in_usd_ticks": 5}, 1),
        ({"cost": -1}, None),
        ({"cost": float("nan")}, None),
        ({"cost": 1e30}, None),
        ({"cost": True}, None),
        ({"cost": "0.1"}, None),
        ({"cost_in_usd_ticks": "5"}, None),
    ],
)
def test_what_the_provider_says(usage: dict[str, Any], amount: int | None) -> None:
    assert reported_cost(usage) == amount
    assert cost_of(usage, None).reported == amount


@given(RATES)
def test_amounts_of_all_buckets_can_be_added_up(rates: dict[str, Rate]) -> None:
    table = price_table(entry(PricePeriod(rates)), 0.0, {})
    assert all(per * factor == 2 * table.denominator for _, _, per, factor in table.resolved.values())
