"""The laws of the room, held over every verb and record of its Protocols before there is an implementation."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, get_type_hints

import pytest

from dragoman import records
from dragoman.records import BudgetStore, KeyStore, Ledger

STORES = (KeyStore, BudgetStore, Ledger)
VERBS = [
    pytest.param(verb, id=f"{store.__name__}.{name}")
    for store in STORES
    for name, verb in vars(store).items()
    if inspect.isfunction(verb) and not name.startswith("_")
]
RECORDS = [getattr(records, name) for name in records.__all__ if dataclasses.is_dataclass(getattr(records, name))]
MONEY = ("limit", "spent", "held", "amount", "cost")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_states_its_atomicity_and_durability_and_may_be_repeated(verb: Any) -> None:
    text = (verb.__doc__ or "").lower()
    assert "atomic" in text
    assert "durable" in text
    assert "idempotent" in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_awaited_as_nothing_is_told_in_the_background(verb: Any) -> None:
    assert inspect.iscoroutinefunction(verb)


@pytest.mark.parametrize("verb", VERBS)
def test_money_that_a_verb_takes_is_an_integer(verb: Any) -> None:
    hints = get_type_hints(verb)
    assert {hints[name] for name in MONEY if name in hints and name != "limit"} <= {int}


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_frozen_and_money_is_an_integer(record: Any) -> None:
    assert record.__dataclass_params__.frozen
    hints = get_type_hints(record)
    assert {hints[name] for name in MONEY if name in hints} <= {int, int | None}
