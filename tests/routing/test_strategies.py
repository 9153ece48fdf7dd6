"""Each strategy on views made by hand, and those of users."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import ConfigError
from dragoman.routing import CallRouter, RouterSettings
from dragoman.routing.admission.limits import claims_of
from dragoman.routing.choice.affinity import Affinity
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import Choice
from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.strategies import (
    STRATEGIES,
    Pick,
    cost_based,
    latency_based,
    least_busy,
    limit_counters,
    simple_shuffle,
    strategy_of,
    usage_based,
)
from dragoman.state import Counter, MemoryStore, Outage, View
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate
from tests.routing.choosing import NOW, asked_of, chance_of, deployment, group_of, observed, picks

EMPTY = View()


def chosen(found: object) -> Choice:
    assert isinstance(found, Choice)
    return found


def first_of(sequence: Any, view: View, asked: GroupRequest) -> Pick:
    """A user's strategy, found by its name."""
    return Pick(0, "the first")


# --- simple-shuffle


@pytest.mark.parametrize(
    ("more", "shares"),
    [
        ([{}, {}, {}], [1 / 3, 1 / 3, 1 / 3]),
        ([{"weight": 8}, {"weight": 2}], [0.8, 0.2]),
        ([{"weight": 1}, {}], [1.0, 0.0]),
        ([{"rpm": 900, "tpm": 1}, {"rpm": 100, "tpm": 999}], [0.9, 0.1]),
        ([{"tpm": 30}, {"tpm": 10}], [0.75, 0.25]),
        ([{"weight": 0}, {"weight": 0}], [0.5, 0.5]),
    ],
)
def test_shuffle_goes_by_weights_then_rpm_then_tpm(more: list[dict[str, Any]], shares: list[float]) -> None:
    group = group_of([deployment(number, **own) for number, own in enumerate(more)])
    counted = picks(group, EMPTY, 4000)
    for count, share in zip(counted.values(), shares, strict=True):
        assert count / 4000 == pytest.approx(share, abs=0.03)
        assert (count == 0) is (share == 0)


@given(
    weights=st.lists(st.floats(0, 1000, allow_nan=False), min_size=1, max_size=8),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_shuffle_never_picks_what_has_no_weight(weights: list[float], chance: float) -> None:
    found = [deployment(number, weight=weight) for number, weight in enumerate(weights)]
    group = group_of(found)
    pick = simple_shuffle(found, EMPTY, asked_of(group, random=lambda: chance))
    assert weights[pick.position] > 0 or not any(weights)


# --- least-busy


def test_the_least_busy_is_picked_and_chance_decides_among_equals() -> None:
    group = group_of([deployment(number) for number in range(4)], least_busy)
    view = View(in_flight={"smart:0": 3, "smart:1": 1, "smart:2": 1, "smart:3": 2})
    assert picks(group, view, 100)["smart:0"] == 0
    counted = picks(group, view, 1000)
    assert counted["smart:1"] == pytest.approx(500, abs=60)
    assert counted["smart:1"] + counted["smart:2"] == 1000
    assert chosen(group.choose(asked_of(group), view)).why == "least-busy: 1 in flight"


def test_where_most_are_idle_each_idle_one_gets_its_share() -> None:
    group = group_of([deployment(number) for number in range(5)], least_busy)
    counted = picks(group, View(in_flight={"smart:2": 9}), 4000)
    assert counted.pop("smart:2") == 0
    assert all(count == pytest.approx(1000, abs=120) for count in counted.values())


def test_unlucky_guesses_do_not_make_a_busy_one_idle() -> None:
    group = group_of([deployment(number) for number in range(5)], least_busy)
    choice = chosen(group.choose(asked_of(group, random=chance_of(0.5)), View(in_flight={"smart:2": 9})))
    assert choice.member.deployment.id != "smart:2"


# --- latency-based-routing


def test_streams_go_by_the_time_to_the_first_token_and_others_by_the_time_per_token() -> None:
    group = group_of([deployment(0), deployment(1)], latency_based)
    view = View(observed={"smart:0": observed(9000, 100, 50), "smart:1": observed(2000, 800, 10)})
    streamed = chosen(group.choose(asked_of(group, stream=True), view))
    assert streamed.member.deployment.id == "smart:0"
    assert "to the first token" in streamed.why
    whole = chosen(group.choose(asked_of(group), view))
    assert whole.member.deployment.id == "smart:1"
    assert "per token" in whole.why


def test_where_no_tokens_are_told_the_whole_call_counts() -> None:
    group = group_of([deployment(0), deployment(1)], latency_based)
    view = View(observed={"smart:0": observed(9000), "smart:1": observed(2000)})
    assert chosen(group.choose(asked_of(group), view)).member.deployment.id == "smart:1"
    embedding = asked_of(group, {"input": "Hello"}, operation="embedding")
    assert chosen(group.choose(embedding, view)).member.deployment.id == "smart:1"


def test_a_percentile_may_be_chosen() -> None:
    steady, moody = observed(100, 100, 10), observed(100, 100, 8)
    for _ in range(2):
        moody.per_token.add(500, NOW)
    view = View(observed={"smart:0": steady, "smart:1": moody})
    for percentile, expected in ((0.5, "smart:1"), (0.95, "smart:0")):
        group = group_of(
            [deployment(0), deployment(1)], strategy_of("latency-based-routing", args={"percentile": percentile})
        )
        assert chosen(group.choose(asked_of(group), view)).member.deployment.id == expected


def test_a_buffer_shares_the_calls_among_the_nearly_fastest() -> None:
    view = View(observed={f"smart:{number}": observed(1000, 100, each) for number, each in enumerate((10, 12, 40))})
    found = [deployment(number) for number in range(3)]
    assert picks(group_of(found, latency_based), view, 50) == {"smart:0": 50, "smart:1": 0, "smart:2": 0}
    buffered = strategy_of("latency-based-routing", args={"lowest_latency_buffer": 0.5})
    counted = picks(group_of(found, buffered), view, 1000)
    assert counted["smart:0"] == pytest.approx(500, abs=60)
    assert counted["smart:2"] == 0


@pytest.mark.parametrize("seen", [None, observed(1000, 100, 90, ago=301)])
def test_the_unknown_and_the_long_unasked_get_a_small_share(seen: Any) -> None:
    known = {"smart:0": observed(1000, 100, 10)} | ({"smart:1": seen} if seen else {})
    group = group_of([deployment(0), deployment(1)], latency_based)
    counted = picks(group, View(observed=known), 4000)
    assert counted["smart:1"] == pytest.approx(200, abs=60)
    explored = chosen(group.choose(asked_of(group, random=chance_of(0.01)), View(observed=known)))
    assert (explored.member.deployment.id, "little is known" in explored.why) == ("smart:1", True)


def test_who_was_explored_is_known_again() -> None:
    group = group_of([deployment(0), deployment(1)], latency_based)
    view = View(observed={"smart:0": observed(1000, 100, 10)})
    picks(group, view, 5)
    view.observed = {**view.observed, "smart:1": observed(1000, 100, 5)}
    assert picks(group, view, 200) == {"smart:0": 0, "smart:1": 200}


def test_where_nothing_is_known_all_are_alike() -> None:
    group = group_of([deployment(number) for number in range(4)], latency_based)
    assert all(count == pytest.approx(500, abs=80) for count in picks(group, EMPTY, 2000).values())


def test_in_a_large_group_a_change_is_seen_within_a_round() -> None:
    found = [deployment(number) for number in range(100)]
    group = group_of(found, latency_based)
    known = {item.key: observed(1000, 100, 50 + 10 * number) for number, item in enumerate(found)}
    view = View(observed=known)
    assert picks(group, view, 3)["smart:0"] == 3
    view.observed = {**known, "smart:0": observed(9000, 900, 900)}
    assert picks(group, view, 3)["smart:0"] == 0  # the picked one is looked at once more
    view.observed = {**known, "smart:90": observed(10, 1, 1)}
    picks(group, view, 10)
    assert picks(group, view, 3)["smart:90"] == 3


# --- usage-based-routing


def test_the_least_used_share_of_tokens_then_of_requests_is_picked() -> None:
    found = [deployment(0, tpm=1000, rpm=10), deployment(1, tpm=100_000, rpm=10), deployment(2, tpm=1000, rpm=10)]
    group = group_of(found, usage_based)

    def of(tokens: tuple[int, int, int], requests: tuple[int, int, int]) -> str:
        used = {Counter(f"smart:{number}:tpm", 60.0): count for number, count in enumerate(tokens)}
        used |= {Counter(f"smart:{number}:rpm", 60.0): count for number, count in enumerate(requests)}
        return chosen(group.choose(asked_of(group), View(used=used))).member.deployment.id

    assert of((500, 5000, 600), (0, 9, 0)) == "smart:1"
    assert of((500, 90_000, 600), (9, 0, 0)) == "smart:0"
    assert of((500, 90_000, 500), (9, 0, 3)) == "smart:2"


def test_of_several_limits_of_tokens_the_nearest_counts() -> None:
    group = group_of([deployment(0, itpm=1000, otpm=100), deployment(1, tpm=1000)], usage_based)

    def of(read: int, written: int, total: int) -> str:
        told = {("smart:0:itpm", read), ("smart:0:otpm", written), ("smart:1:tpm", total)}
        view = View(used={Counter(key, 60.0): used for key, used in told})
        return chosen(group.choose(asked_of(group), view)).member.deployment.id

    assert of(400, 10, 450) == "smart:0"
    assert of(500, 10, 450) == "smart:1"
    assert of(400, 46, 450) == "smart:1"


@pytest.mark.parametrize("limits", [{}, {"rpm": 3}, {"tpm": 7}, {"tpm": 7, "rpm": 3}, {"itpm": 7, "otpm": 3}])
def test_what_is_watched_is_what_calls_claim(limits: dict[str, Any]) -> None:
    item = deployment(0, **limits)
    group = group_of([item])
    claimed = {claim.counter for claim in claims_of(group.members[0], asked_of(group))}
    assert set(limit_counters(item)) == claimed


async def test_the_router_watches_what_the_strategy_reads() -> None:
    store = MemoryStore()
    CallRouter([deployment(0, tpm=10)], settings=RouterSettings(strategy=usage_based), store=store)
    assert store.view().used == {Counter("smart:0:tpm", 60.0): 0}
    other = MemoryStore()
    CallRouter([deployment(0, tpm=10)], store=other)
    assert other.view().used == {}


# --- cost-based-routing


def test_the_cheapest_for_this_request_is_picked() -> None:
    def priced(read: int, written: int) -> ModelEntry:
        rates = {"input": Rate(read), "output": Rate(written)}
        return ModelEntry(provider="openai", model="made-up", prices=(PricePeriod(rates),))

    group = group_of(
        [
            deployment(0, entry=priced(1_000_000_000, 9_000_000_000)),
            deployment(1, entry=priced(5_000_000_000, 1_000_000_000)),
        ],
        cost_based,
    )
    short = asked_of(group, {"max_tokens": 500})
    long = asked_of(group, {"messages": [{"role": "user", "content": "word " * 10_000}], "max_tokens": 10})
    assert chosen(group.choose(short, EMPTY)).member.deployment.id == "smart:1"
    assert chosen(group.choose(long, EMPTY)).member.deployment.id == "smart:0"


def test_a_tier_of_long_prompts_counts() -> None:
    tiered = ModelEntry(
        provider="openai", model="a", prices=(PricePeriod({"input": Rate(1_000_000_000, ((20_000, 9_000_000_000),))}),)
    )
    flat = ModelEntry(provider="openai", model="b", prices=(PricePeriod({"input": Rate(2_000_000_000)}),))
    group = group_of([deployment(0, entry=tiered), deployment(1, entry=flat)], cost_based)
    long = {"messages": [{"role": "user", "content": "word " * 30_000}]}
    assert chosen(group.choose(asked_of(group), EMPTY)).member.deployment.id == "smart:0"
    assert chosen(group.choose(asked_of(group, long), EMPTY)).member.deployment.id == "smart:1"


def test_the_unpriced_come_last_and_equals_share() -> None:
    found = [
        deployment(0, "unheard-of"),
        deployment(1, "gpt-4.1-nano"),
        deployment(2, "gpt-4.1-nano"),
        deployment(3, "gpt-4o"),
    ]
    counted = picks(group_of(found, cost_based), EMPTY, 1000)
    assert counted["smart:0"] == counted["smart:3"] == 0
    assert counted["smart:1"] == pytest.approx(500, abs=60)
    nobody = picks(group_of([deployment(0, "unheard-of"), deployment(1, "unknown")], cost_based), EMPTY, 1000)
    assert nobody["smart:0"] == pytest.approx(500, abs=60)


def test_who_holds_the_beginning_in_its_cache_is_cheaper() -> None:
    found = [deployment(0, "gpt-4.1"), deployment(1, "gpt-4.1")]
    group, affinity = group_of(found, cost_based), Affinity(AffinityPolicy(), lambda: NOW, wants_caches=True)
    long = {"messages": [{"role": "system", "content": "Be brief. " * 2000}, {"role": "user", "content": "Hi"}]}
    asked = asked_of(group, long, affinity=affinity, random=chance_of(0.1))
    assert chosen(group.choose(asked, EMPTY)).member.deployment.id == "smart:0"
    affinity.answered(asked, found[1])
    again = asked_of(group, long, affinity=affinity, random=chance_of(0.1), explaining=True)
    choice = chosen(group.choose(again, EMPTY))
    assert choice.member.deployment.id == "smart:1"
    assert "cache" in choice.why
    assert choice.scores is not None
    assert choice.scores["smart:1"] < choice.scores["smart:0"] / 2


# --- all of them


@pytest.mark.parametrize("name", STRATEGIES)
def test_each_explains_its_scores_and_picks_the_lowest(name: str) -> None:
    found = [
        deployment(number, model, tpm=1000, rpm=10)
        for number, model in enumerate(("gpt-4.1", "gpt-4.1-nano", "gpt-4o"))
    ]
    group = group_of(found, STRATEGIES[name])
    view = View(
        in_flight={"smart:0": 4, "smart:2": 2},
        observed={f"smart:{number}": observed(1000, 100 + number, 10 + 5 * number) for number in range(3)},
        used={Counter(f"smart:{number}:tpm", 60.0): 100 + number for number in range(3)},
    )
    choice = chosen(group.choose(asked_of(group, explaining=True), view))
    assert choice.scores is not None
    assert set(choice.scores) == {"smart:0", "smart:1", "smart:2"}
    assert choice.scores[choice.member.deployment.id] == min(choice.scores.values())
    assert choice.why.startswith(name.removesuffix("-v2"))


@pytest.mark.parametrize("name", STRATEGIES)
@given(data=st.data())
def test_none_ever_picks_what_is_out(name: str, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    group = group_of([deployment(number, tpm=100) for number in range(size)], STRATEGIES[name])
    chance = data.draw(st.floats(0, 1, exclude_max=True))
    for _ in range(3):
        out = data.draw(st.sets(st.sampled_from([f"smart:{number}" for number in range(size)])))
        outages = {key: Outage("500", "InternalServerError", NOW, NOW + 9) for key in out}
        found = group.choose(asked_of(group, random=lambda: chance), View(outages=outages))
        assert isinstance(found, Choice) is (len(out) < size)
        assert {passed.deployment for passed in found.skipped} == out
        if isinstance(found, Choice):
            assert found.member.key not in out


# --- names, arguments, and strategies of users


def test_all_names_are_read() -> None:
    assert strategy_of("least-busy") is least_busy
    assert strategy_of(cost_based) is cost_based
    assert strategy_of("usage-based-routing") is strategy_of("usage-based-routing-v2", args={"ttl": 5}) is usage_based


@pytest.mark.parametrize(
    ("value", "args", "words"),
    [
        ("least-bussy", None, ["routing_strategy: unknown strategy", "did you mean 'least-busy'"]),
        (7, None, ["routing_strategy: expected the name of a strategy"]),
        ("tests.routing.nowhere:pick", None, ["cannot import", "nowhere"]),
        ("tests.routing.test_strategies:NOW", None, ["is not a function"]),
        ("latency-based-routing", {"percentil": 0.5}, ["routing_strategy_args.percentil: unknown key", "percentile"]),
        ("latency-based-routing", {"percentile": 5}, ["routing_strategy_args.percentile: expected a number"]),
        ("simple-shuffle", {"ttl": 5}, ["routing_strategy_args.ttl: unknown key"]),
        ("simple-shuffle", "fast", ["routing_strategy_args: expected a mapping"]),
    ],
)
def test_wrong_names_and_arguments_are_refused(value: Any, args: Any, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        strategy_of(value, args=args)
    for word in words:
        assert word in caught.value.message


def test_a_users_strategy_is_found_by_its_name() -> None:
    group = group_of([deployment(0), deployment(1)], strategy_of("tests.routing.test_strategies:first_of"))
    choice = chosen(group.choose(asked_of(group), EMPTY))
    assert (choice.member.deployment.id, choice.why) == ("smart:0", "the first")


@pytest.mark.parametrize("answer", [lambda found: 1, lambda found: found[1], lambda found: Pick(1, "")])
def test_a_users_strategy_may_give_a_position_or_a_deployment(answer: Callable[[Any], Any]) -> None:
    strategy = strategy_of(lambda found, view, asked: answer(found))
    group = group_of([deployment(0), deployment(1)], strategy)
    choice = chosen(group.choose(asked_of(group), EMPTY))
    assert choice.member.deployment.id == "smart:1"
    assert choice.why


async def _async(found: Any, view: View, asked: GroupRequest) -> Pick:
    return Pick(0, "never")


def _raising(found: Any, view: View, asked: GroupRequest) -> Pick:
    raise KeyError("oh")


@pytest.mark.parametrize(
    ("strategy", "word"),
    [
        (lambda found, view, asked: None, "NoneType"),
        (lambda found, view, asked: 2, "position 2"),
        (lambda found, view, asked: -1, "position -1"),
        (lambda found, view, asked: True, "bool"),
        (lambda found, view, asked: Pick(math.nan, "no"), "Pick"),  # type: ignore[arg-type]
        (lambda found, view, asked: deployment(9), "position -1"),
        (_async, "plain function"),
        (_raising, "KeyError"),
    ],
)
def test_a_users_mistake_costs_no_call(strategy: Any, word: str, caplog: pytest.LogCaptureFixture) -> None:
    group = group_of([deployment(0), deployment(1)], strategy_of(strategy))
    with caplog.at_level(logging.WARNING, "dragoman"):
        counted = picks(group, EMPTY, 200)
    assert min(counted.values()) > 60
    assert len(caplog.records) == 1
    assert word in caplog.text
    assert "simple-shuffle picks instead" in caplog.text


def test_a_users_strategy_is_guarded_once() -> None:
    guarded = strategy_of(first_of)
    assert strategy_of(guarded) is guarded
    with_args = strategy_of(lambda found, view, asked, *, number: number, args={"number": 1})
    group = group_of([deployment(0), deployment(1)], with_args)
    assert chosen(group.choose(asked_of(group), EMPTY)).member.deployment.id == "smart:1"
