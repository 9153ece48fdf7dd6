"""Every price of the catalogue that comes from genai-prices is genai-prices' own answer, at every time and in every context."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from genai_prices import data
from genai_prices.types import ModelInfo, ModelPrice, Provider, StartDateConstraint, TimeOfDateConstraint

from dragoman.models import Catalogue
from dragoman.models.prices import rates_at
from dragoman.models.sources._genai_prices import PRICE_KEYS, equal_names
from dragoman.models.sources._tables import any_of, table
from dragoman.types.model_entry import ModelEntry, Rate

CATALOGUE = Catalogue()
NAMES = table("providers.toml")


def answers(prices: ModelPrice) -> dict[str, Rate]:
    return {PRICE_KEYS[key]: rate(value) for key, value in vars(prices).items() if value is not None}


def rate(value: Any) -> Rate:
    if isinstance(value, Decimal):
        return Rate(nano(value))
    return Rate(nano(value.base), tuple((tier.start, nano(tier.price)) for tier in value.tiers))


def nano(price: Decimal) -> int:
    return int((price * 10**9).to_integral_value(ROUND_HALF_UP))


def times(model: ModelInfo) -> Iterator[datetime.datetime]:
    """The moments at which its prices change, those just before, and two more."""
    yield datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    yield datetime.datetime(2026, 11, 22, 12, 30, tzinfo=datetime.UTC)
    conditions = [*(model.prices if isinstance(model.prices, list) else ()), *(model.price_variants or ())]
    for constraint in (condition.constraint for condition in conditions):
        if isinstance(constraint, StartDateConstraint):
            day = datetime.datetime.combine(constraint.start_date, datetime.time(), datetime.UTC)
            yield from (day, day - datetime.timedelta(seconds=1))
        elif isinstance(constraint, TimeOfDateConstraint):
            for hour in (constraint.start_time, constraint.end_time):
                moment = datetime.datetime.combine(datetime.date(2026, 11, 22), hour.replace(tzinfo=datetime.UTC))
                yield from (moment, moment - datetime.timedelta(seconds=1))


def contexts(model: ModelInfo) -> Iterator[Mapping[str, str] | None]:
    yield None
    whens = [variant.when for variant in model.price_variants or ()]
    yield from whens
    yield {key: value for when in whens for key, value in when.items()}


def entries(provider: Provider, model: ModelInfo, name: str) -> Iterator[ModelEntry | None]:
    suffix = NAMES["name_suffixes"].get(provider.id, "")
    for ours in NAMES["genai-prices"].get(provider.id, [provider.id]):
        not_there = any_of(tuple(NAMES["not_there"].get(ours, ("(?!)",))))
        if not not_there.fullmatch(model.id):
            yield CATALOGUE.find(ours, name + suffix)


@pytest.mark.parametrize("provider", data.providers, ids=lambda provider: provider.id)
def test_every_price_is_that_of_genai_prices(provider: Provider) -> None:
    for model in provider.models:
        names = {model.id, *equal_names(model.match)}
        meant = [name for name in names if provider.find_model(name) in (None, model)]
        found = [entry for name in meant for entry in entries(provider, model, name)]
        assert found or not meant
        for entry in found:
            assert entry is not None, model.id
            assert str(entry.price_provenance).startswith("genai-prices")
        compare(model, {id(entry.prices): entry for entry in found if entry is not None})


def compare(model: ModelInfo, found: Mapping[int, ModelEntry]) -> None:
    for at in times(model):
        for context in contexts(model):
            expected = answers(model.get_prices(at, context))
            for entry in found.values():
                assert dict(rates_at(entry, at, context)) == expected, (entry.name, at, context)


def test_they_are_enough() -> None:
    assert sum(len(provider.models) for provider in data.providers) >= 1_500
