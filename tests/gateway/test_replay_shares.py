"""`dragoman replay` where chance decides: it is the log's own while the shares are, and the configuration's where they are not."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.replaying import call, entry, kinds, run

NAMES = ("a", "b", "c")


def split(weights: tuple[float, ...], calls: int = 600) -> list[dict[str, Any]]:
    """Calls as simple-shuffle deals them out."""
    deal = random.Random(11).choices
    chosen = deal(range(len(weights)), weights, k=calls)
    return [call(number, answered_by=NAMES[it], deployment=f"smart:{it}") for number, it in enumerate(chosen)]


def weighted(weights: tuple[float, ...]) -> list[dict[str, Any]]:
    return [entry("smart", f"openai/{NAMES[it]}", weight=weight) for it, weight in enumerate(weights)]


@pytest.mark.parametrize("weights", [(1, 1), (9, 1), (6, 3, 1), (98, 2)])
def test_the_same_shares_move_nothing(tmp_path: Path, weights: tuple[float, ...]) -> None:
    assert kinds(run(tmp_path, split(weights), weighted(weights), "--json")) == {"unchanged": 600}


def test_other_shares_move_as_many_as_they_must(tmp_path: Path) -> None:
    told = run(tmp_path, split((1, 1)), weighted((9, 1)), "--json")
    [move] = told["moves"]  # nobody goes the other way
    assert (move["before"], move["after"]) == ("openai/b", "openai/a")
    assert 0.4 * 600 - 50 < move["calls"] < 0.4 * 600 + 50


def test_a_deployment_that_is_new_gets_its_share_and_one_that_is_gone_none(tmp_path: Path) -> None:
    told = run(tmp_path, split((1,)), weighted((1, 1)), "--json")
    [move] = told["moves"]
    assert 250 < move["calls"] < 350
    gone = run(tmp_path, split((1, 1, 1)), weighted((1, 1)), "--json")
    assert {move["before"] for move in gone["moves"]} == {"openai/c"}
    assert gone["moved"] == sum(row["answered_by"] == "c" for row in split((1, 1, 1)))


def test_the_shares_of_a_canary_are_kept_too(tmp_path: Path) -> None:
    canary = [{"model": "smart", "deployment": "smart:1", "share": 0.05, "gates": {}}]
    models = [entry("smart", "openai/a"), entry("smart", "openai/b"), entry("smart", "openai/c")]
    rows = split((0.475, 0.05, 0.475))
    assert kinds(run(tmp_path, rows, models, "--json", canary=canary)) == {"unchanged": 600}
    wide = run(tmp_path, rows, models, "--json", canary=[{**canary[0], "share": 0.5}])
    assert {move["after"] for move in wide["moves"]} == {"openai/b"}
    assert 220 < wide["moved"] < 320


def test_retries_go_where_they_went(tmp_path: Path) -> None:
    """Of three, one fails, and chance decides which of the others is asked: 100 calls, all as they were."""
    deal = random.Random(3)
    rows = []
    for number in range(100):
        first, second = deal.sample(range(3), 2)
        tried = [f"smart:{first} InternalServerError 500 9ms", f"smart:{second} answered 90ms"]
        rows.append(
            call(number * 100, answered_by=NAMES[second], deployment=f"smart:{second}", attempts=2, tried=tried)
        )
    assert kinds(run(tmp_path, rows, weighted((1, 1, 1)), "--json")) == {"unchanged": 100}


def test_a_deployment_is_known_again_by_its_model_where_its_id_has_changed(tmp_path: Path) -> None:
    told = run(tmp_path, split((1, 1)), [entry("other", "openai/z"), *reversed(weighted((1, 1)))], "--json")
    assert kinds(told) == {"unchanged": 600}
