"""A row as JSON and back, exactly."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import ConfigError
from dragoman.models import Catalogue
from dragoman.models.rows import entry_of, row_of
from dragoman.types.cost import BUCKETS
from dragoman.types.model_entry import ABILITIES, ModelEntry, PricePeriod, Provenance, Rate

amounts = st.integers(0, 10**15)
rates = st.builds(
    Rate,
    amounts,
    st.dictionaries(st.integers(0, 10**7), amounts, max_size=3).map(lambda tiers: tuple(sorted(tiers.items()))),
)
hours = st.times(timezones=st.none()).map(lambda hour: hour.replace(microsecond=0))
periods = st.builds(
    PricePeriod,
    st.dictionaries(st.sampled_from(list(BUCKETS)), rates, max_size=4),
    starts=st.none() | st.dates(),
    hours=st.none() | st.tuples(hours, hours),
    when=st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=9), max_size=2),
)
provenances = st.builds(Provenance, st.text(min_size=1, max_size=9), st.text(max_size=9), st.none() | st.dates())
words = st.text(min_size=1, max_size=20).filter(str.strip)
counts = st.none() | st.integers(0, 10**8)
entries = st.builds(
    ModelEntry,
    provider=words,
    model=words,
    aliases=st.lists(words, max_size=3).map(tuple),
    mode=st.sampled_from(["chat", "embedding", "rerank"]),
    context_window=counts,
    max_input_tokens=counts,
    max_output_tokens=counts,
    reads=st.lists(st.sampled_from(["text", "image"]), max_size=2).map(tuple),
    writes=st.lists(st.sampled_from(["text", "audio"]), max_size=2).map(tuple),
    abilities=st.dictionaries(st.sampled_from(ABILITIES), st.booleans()),
    released=st.sampled_from(["", "2024-05-13"]),
    deprecated=st.none() | st.booleans(),
    deprecation_date=st.none() | st.dates(),
    prices=st.lists(periods, max_size=3).map(tuple),
    price_provenance=st.none() | provenances,
    facts_provenance=st.none() | provenances,
)


@given(entries)
def test_an_entry_survives_being_written_and_read(entry: ModelEntry) -> None:
    assert entry_of(orjson.loads(orjson.dumps(row_of(entry)))) == entry


def test_every_shipped_row_survives() -> None:
    for entry in Catalogue().entries():
        assert entry_of(row_of(entry)) == entry


def test_the_documented_row_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    row = orjson.loads(page.partition("## The catalogue")[2].partition("```json\n")[2].partition("```")[0])
    entry = entry_of(row)
    assert entry.prices[0].rates["input"] == Rate(1_250_000_000, ((200_000, 2_500_000_000),))
    assert entry_of(row_of(entry)) == entry


def test_dollars_are_read_exactly_as_text_and_as_numbers() -> None:
    row = {"provider": "p", "model": "m", "prices": [{"rates": {"input": "0.000000001", "output": 2.5, "request": 3}}]}
    assert {name: rate.base for name, rate in entry_of(row).prices[0].rates.items()} == {
        "input": 1,
        "output": 2_500_000_000,
        "request": 3_000_000_000,
    }


def test_no_prices_are_unpriced_and_no_rates_are_free() -> None:
    assert entry_of({"provider": "p", "model": "m"}).prices == ()
    assert entry_of({"provider": "p", "model": "m", "prices": [{"rates": {}}]}).prices == (PricePeriod({}),)


def test_a_person_may_write_dates_as_yaml_reads_them() -> None:
    prices = [
        {"rates": {}, "starts": datetime.date(2026, 1, 1), "hours": [datetime.time(16, 30), datetime.time(0, 30)]}
    ]
    period = entry_of({"provider": "p", "model": "m", "prices": prices}).prices[0]
    assert (period.starts, period.hours) == (datetime.date(2026, 1, 1), (datetime.time(16, 30), datetime.time(0, 30)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": ""}, "model must be a non-empty string"),
        ({"provider": None}, "provider must be a non-empty string"),
        ({"contextwindow": 1}, "unknown field 'contextwindow'"),
        ({"context_window": "8k"}, "context_window must be a number of tokens"),
        ({"aliases": "m2"}, "aliases must be a list of strings"),
        ({"can": ["fly"]}, "unknown ability 'fly'"),
        ({"prices": [{"rates": {"inputs": "1"}}]}, "unknown bucket 'inputs'"),
        ({"prices": [{"rates": {"input": "-1"}}]}, "no amount of dollars"),
        ({"prices": [{"rates": {"input": "1e-10"}}]}, "no amount of dollars"),
        ({"prices": [{"rates": {"input": "NaN"}}]}, "no amount of dollars"),
        ({"prices": [{"rates": {"input": "cheap"}}]}, "no amount of dollars"),
        ({"prices": [{"rates": {"input": True}}]}, "no amount of dollars"),
        ({"prices": [{"rates": {}, "from": "2026-01-01"}]}, "unknown field 'from' of a price"),
        ({"prices": [{"rates": {}, "starts": "soon"}]}, "isoformat"),
        ({"prices": [{"rates": {}, "hours": ["16:30"]}]}, "unpack"),
        ({"prices": [{}]}, "rates"),
    ],
)
def test_a_wrong_row_is_refused_with_its_name_and_what_is_wrong(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        entry_of({"provider": "p", "model": "m", **change})
    assert told in str(caught.value)
    assert "price row" in str(caught.value)
