"""What every store promises, whatever is behind it. A backend's test inherits this, and says where it is tried."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from dragoman.state import Claim, Counter, Counts, LimitRefusal, Outage, StateStore
from tests.state.places import Place

MINUTE = Counter("requests", 60.0)
TOKENS = Counter("tokens", 60.0)
SLOTS = Counter("parallel")


async def admitted(store: StateStore, lease: str, *claims: Claim, ttl: float = 30.0) -> bool:
    return await store.acquire(lease, claims, ttl) is None


async def refused(store: StateStore, *claims: Claim) -> LimitRefusal:
    refusal = await store.acquire("refused", claims)
    assert refusal is not None
    return refusal


async def used(store: StateStore, *counters: Counter) -> tuple[int, ...]:
    await store.refresh()  # what is settled is on its way
    return await store.used(counters)


def outage(place: Place, seconds: float, reason: str = "busy") -> Outage:
    return Outage(reason, "RateLimitError", place.clock(), place.clock() + seconds, 3)


class StoreContract:
    """`place` is the backend's fixture."""

    @pytest.fixture
    async def place(self) -> AsyncIterator[Place]:
        raise NotImplementedError
        yield  # type: ignore[unreachable]

    @pytest.fixture
    async def store(self, place: Place) -> StateStore:
        return await place.join()

    @pytest.fixture
    async def other(self, place: Place, store: StateStore) -> StateStore:
        return await place.join()

    # Windows.

    async def test_a_window_admits_its_limit_over_all_processes_and_no_more(
        self, store: StateStore, other: StateStore
    ) -> None:
        for i in range(5):
            assert await admitted(store, f"a{i}", Claim(MINUTE, 10))
            assert await admitted(other, f"b{i}", Claim(MINUTE, 10))
        for one in (store, other):
            refusal = await refused(one, Claim(MINUTE, 10))
            assert (refusal.claim, refusal.used, refusal.is_unavailable) == (Claim(MINUTE, 10), 10, False)
        assert await used(store, MINUTE) == (10,)

    async def test_retry_after_is_the_moment_when_it_fits(self, place: Place, store: StateStore) -> None:
        for i, amount in enumerate((30, 50, 20)):
            assert await admitted(store, str(i), Claim(TOKENS, 100, amount))
            place.clock.advance(7.5)
        for amount in (30, 31, 81):
            wait = (await refused(store, Claim(TOKENS, 100, amount))).retry_after
            assert wait is not None
            place.clock.advance(wait - 0.001)
            await refused(store, Claim(TOKENS, 100, amount))
            place.clock.advance(0.001)
            assert await admitted(store, f"then {amount}", Claim(TOKENS, 100, amount))
            place.clock.advance(70.0)
            assert await admitted(store, f"again {amount}", Claim(TOKENS, 100, 100))

    async def test_what_was_admitted_leaves_the_window_up_to_a_sixtieth_late(
        self, place: Place, store: StateStore
    ) -> None:
        assert await admitted(store, "one", Claim(MINUTE, 1))
        place.clock.advance(59.999)
        await refused(store, Claim(MINUTE, 1))
        place.clock.advance(1.002)
        assert await admitted(store, "two", Claim(MINUTE, 1))

    async def test_what_is_larger_than_the_limit_never_fits(self, store: StateStore) -> None:
        assert (await refused(store, Claim(TOKENS, 100, 101))).retry_after is None
        assert (await refused(store, Claim(SLOTS, 0))).retry_after is None

    async def test_windows_of_different_lengths_are_different_counters(self, place: Place, store: StateStore) -> None:
        day = Counter("requests", 86_400.0)
        claims = (Claim(MINUTE, 2), Claim(day, 3))
        assert await admitted(store, "1", *claims)
        assert await admitted(store, "2", *claims)
        assert (await refused(store, *claims)).claim.counter == MINUTE
        place.clock.advance(61.0)
        assert await admitted(store, "3", *claims)
        assert (await refused(store, *claims)).claim.counter == day

    async def test_all_claims_are_acquired_or_none(self, store: StateStore) -> None:
        assert await admitted(store, "tokens", Claim(TOKENS, 100, 60))
        refusal = await refused(store, Claim(MINUTE, 10), Claim(SLOTS, 10), Claim(TOKENS, 100, 60))
        assert refusal.claim.counter == TOKENS
        assert await used(store, MINUTE, SLOTS, TOKENS) == (0, 0, 60)

    async def test_of_several_reasons_the_longest_is_told(self, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(MINUTE, 1), Claim(SLOTS, 1), Claim(TOKENS, 9, 9))
        claims = (Claim(SLOTS, 1), Claim(MINUTE, 1), Claim(SLOTS._replace(key="free"), 1))
        assert (await refused(store, *claims)).claim.counter == MINUTE
        assert (await refused(store, *claims, Claim(TOKENS, 9, 10))).claim.counter == TOKENS

    async def test_time_that_goes_back_a_little_admits_no_more(self, place: Place, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(MINUTE, 1))
        place.clock.advance(-2.0)
        assert (await refused(store, Claim(MINUTE, 1))).retry_after is not None

    async def test_a_clock_that_was_hours_ahead_blocks_nobody(self, place: Place, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(MINUTE, 1))
        place.clock.advance(-7200.0)
        assert await admitted(store, "y", Claim(MINUTE, 1))

    # Settling.

    async def test_settling_replaces_an_estimate_by_the_real_amount(self, store: StateStore) -> None:
        assert await admitted(store, "less", Claim(TOKENS, 100, 90), Claim(MINUTE, 10))
        store.settle("less", {"tokens": 40})
        assert await used(store, TOKENS, MINUTE) == (40, 1)
        assert await admitted(store, "more", Claim(TOKENS, 100, 10))
        store.settle("more", {"tokens": 75})
        assert await used(store, TOKENS) == (115,)
        await refused(store, Claim(TOKENS, 100, 1))

    async def test_an_estimate_of_nothing_is_corrected_too(self, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(TOKENS, 100, 0))
        for i in range(10):  # others come and go, and what is over is forgotten
            assert await admitted(store, str(i), Claim(Counter(f"other {i}", 60.0), 1))
        store.settle("x", {"tokens": 70})
        assert await used(store, TOKENS) == (70,)

    async def test_a_call_that_did_not_happen_gives_all_back(self, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(TOKENS, 100, 90), Claim(MINUTE, 10), Claim(SLOTS, 1))
        store.settle("x", {"tokens": 0, "requests": 0})
        assert await used(store, TOKENS, MINUTE, SLOTS) == (0, 0, 0)

    async def test_a_correction_counts_at_the_time_of_the_claim(self, place: Place, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(TOKENS, 100, 10))
        place.clock.advance(55.0)
        store.settle("x", {"tokens": 100})
        assert await used(store, TOKENS) == (100,)
        place.clock.advance(6.0)
        assert await used(store, TOKENS) == (0,)

    async def test_a_correction_of_what_has_left_the_window_is_past(self, place: Place, store: StateStore) -> None:
        assert await admitted(store, "old", Claim(TOKENS, 100, 90))
        place.clock.advance(61.0)
        assert await admitted(store, "new", Claim(TOKENS, 100, 20))
        store.settle("old", {"tokens": 0})
        assert await used(store, TOKENS) == (20,)

    async def test_a_lease_is_settled_once_and_acquired_once(self, store: StateStore) -> None:
        assert await admitted(store, "x", Claim(TOKENS, 100, 90), Claim(SLOTS, 1))
        with pytest.raises(ValueError, match="already"):
            await store.acquire("x", [Claim(SLOTS, 1)])
        for _ in range(3):
            store.settle("x", {"tokens": 50})
        store.settle("never acquired", {"tokens": 0})
        store.settle("refused")
        assert await used(store, TOKENS, SLOTS) == (50, 0)

    async def test_a_counter_is_claimed_once_by_a_lease(self, store: StateStore) -> None:
        with pytest.raises(ValueError, match="twice"):
            await store.acquire("x", [Claim(MINUTE, 10), Claim(MINUTE, 5)])

    async def test_who_only_looks_hears_the_same_and_takes_nothing(self, place: Place, store: StateStore) -> None:
        wanted = (Claim(TOKENS, 100, 60), Claim(SLOTS, 1))
        for _ in range(3):
            assert await store.refusal(wanted) is None
        assert await used(store, TOKENS, SLOTS) == (0, 0)
        assert await admitted(store, "a", *wanted)
        place.clock.advance(20.0)
        seen = await store.refusal(wanted)
        assert seen is not None
        assert seen == await refused(store, *wanted)
        assert seen.retry_after == pytest.approx(40.0, abs=1.1)

    async def test_without_claims_nothing_refuses(self, store: StateStore) -> None:
        assert await store.acquire("x", []) is None
        assert await store.refusal([]) is None
        assert await store.used([]) == ()
        store.settle("x")

    # Slots.

    async def test_a_slot_is_held_until_it_is_settled(self, store: StateStore, other: StateStore) -> None:
        assert await admitted(store, "a", Claim(SLOTS, 2))
        assert await admitted(other, "b", Claim(SLOTS, 2))
        refusal = await refused(other, Claim(SLOTS, 2))
        assert (refusal.used, refusal.retry_after) == (2, 1.0)
        store.settle("a")
        assert await used(store, SLOTS) == (1,)
        assert await admitted(other, "c", Claim(SLOTS, 2))

    async def test_a_slot_whose_holder_is_silent_is_free_after_its_time(self, place: Place, store: StateStore) -> None:
        assert await admitted(store, "a", Claim(SLOTS, 1), ttl=30.0)
        place.clock.advance(29.999)
        await refused(store, Claim(SLOTS, 1))
        place.clock.advance(0.001)
        assert await used(store, SLOTS) == (0,)
        assert await admitted(store, "b", Claim(SLOTS, 1))

    async def test_a_renewed_slot_is_held_on(self, place: Place, store: StateStore) -> None:
        assert await admitted(store, "a", Claim(SLOTS, 1), Claim(TOKENS, 100, 50), ttl=30.0)
        for _ in range(3):
            place.clock.advance(20.0)
            store.renew("a", 30.0)
            store.renew("unknown", 30.0)
            await store.refresh()
        place.clock.advance(29.0)
        await refused(store, Claim(SLOTS, 1))
        store.settle("a", {"tokens": 0})
        assert await used(store, SLOTS, TOKENS) == (0, 0)

    async def test_a_slot_that_ran_out_is_counted_again_when_it_is_renewed(
        self, place: Place, store: StateStore
    ) -> None:
        assert await admitted(store, "a", Claim(SLOTS, 1), ttl=5.0)
        place.clock.advance(5.5)
        assert await admitted(store, "b", Claim(SLOTS, 1))
        store.renew("a", 5.0)
        assert await used(store, SLOTS) == (2,)

    async def test_many_tasks_at_once_get_no_more_than_there_is(self, store: StateStore, other: StateStore) -> None:
        claims = [Claim(SLOTS, 7), Claim(MINUTE, 20)]
        tried = [(one, f"{name}{i}") for name, one in (("a", store), ("b", other)) for i in range(50)]
        outcomes = await asyncio.gather(*(one.acquire(lease, claims) for one, lease in tried))
        held = [pair for pair, outcome in zip(tried, outcomes, strict=True) if outcome is None]
        assert len(held) == 7
        for one, lease in held:
            one.settle(lease)
        await other.refresh()
        assert await used(store, SLOTS, MINUTE) == (0, 7)

    async def test_who_is_cancelled_while_asking_holds_nothing(self, store: StateStore) -> None:
        tasks = [asyncio.create_task(store.acquire(str(i), [Claim(SLOTS, 100), Claim(MINUTE, 100)])) for i in range(40)]
        chance = random.Random(7)
        for task in tasks:
            if chance.random() < 0.5:
                await asyncio.sleep(0)
            task.cancel()
        for i, outcome in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
            if outcome is None:
                store.settle(str(i), {"requests": 0})
        await store.refresh()
        assert await used(store, SLOTS, MINUTE) == (0, 0)

    async def test_the_view_shows_what_is_watched(self, place: Place, store: StateStore, other: StateStore) -> None:
        store.watch([TOKENS, SLOTS], by="router")
        store.watch([MINUTE], by="dashboard")
        assert await admitted(other, "a", Claim(TOKENS, 100, 30), Claim(SLOTS, 5), Claim(MINUTE, 5))
        await place.meet()
        assert dict(store.view().used) == {TOKENS: 30, SLOTS: 1, MINUTE: 1}
        other.settle("a", {"tokens": 20})
        store.watch([], by="dashboard")
        await place.meet()
        assert dict(store.view().used) == {TOKENS: 20, SLOTS: 0}
        assert await admitted(store, "b", Claim(TOKENS, 100, 5))
        assert store.view().used[TOKENS] == 25
        place.clock.advance(62.0)
        assert store.view().used[TOKENS] == 0

    # Outages.

    async def test_an_outage_is_known_to_all_until_it_ends(
        self, place: Place, store: StateStore, other: StateStore
    ) -> None:
        first = outage(place, 60.0)
        store.open_circuit("one", first)
        store.open_circuit("two", outage(place, 5.0))
        assert dict(store.view().outages) == {"one": first, "two": outage(place, 5.0)}
        await place.meet()
        assert other.view().outages == store.view().outages
        place.clock.advance(5.0)
        assert dict(other.view().outages) == {"one": first}
        place.clock.advance(55.0)
        assert not store.view().outages
        await place.meet()
        assert not other.view().outages

    async def test_the_outage_that_ends_later_holds(self, place: Place, store: StateStore, other: StateStore) -> None:
        store.open_circuit("one", outage(place, 60.0, "long"))
        await place.meet()
        other.open_circuit("one", outage(place, 5.0, "short"))
        other.open_circuit("two", outage(place, 5.0, "short"))
        await place.meet()
        store.open_circuit("two", outage(place, 60.0, "long"))
        await place.meet()
        for one in (store, other):
            assert {key: it.reason for key, it in one.view().outages.items()} == {"one": "long", "two": "long"}

    async def test_what_is_put_back_is_back_for_all(self, place: Place, store: StateStore, other: StateStore) -> None:
        store.open_circuit("one", outage(place, 60.0))
        await place.meet()
        other.close_circuit("one")
        assert not other.view().outages
        await place.meet()
        assert not store.view().outages
        store.open_circuit("one", outage(place, 1.0))
        await place.meet()
        assert "one" in other.view().outages

    async def test_exactly_one_may_probe(self, place: Place, store: StateStore, other: StateStore) -> None:
        claims = await asyncio.gather(*(one.claim_probe("one", 10.0) for one in (store, other) for _ in range(10)))
        assert sum(claims) == 1
        assert await store.claim_probe("two", 10.0)
        place.clock.advance(9.999)
        assert not await other.claim_probe("one", 10.0)
        place.clock.advance(0.001)
        assert await other.claim_probe("one", 10.0)

    async def test_whether_a_probe_could_be_claimed_is_no_claim(self, store: StateStore, other: StateStore) -> None:
        assert await store.claim_probe("one", 0.0)
        assert await other.claim_probe("one", 0.0)
        assert await store.claim_probe("one", 10.0)
        assert not await other.claim_probe("one", 0.0)

    async def test_the_end_of_a_probe_gives_the_right_anew(
        self, place: Place, store: StateStore, other: StateStore
    ) -> None:
        for has_failed in (True, False):
            assert await store.claim_probe("one", 100.0)
            if has_failed:
                store.open_circuit("one", outage(place, 60.0))
            else:
                store.close_circuit("one")
            await place.meet()
            assert await other.claim_probe("one", 100.0)
            other.close_circuit("one")
            await place.meet()

    async def test_counts_are_those_of_all_within_the_window(
        self, place: Place, store: StateStore, other: StateStore
    ) -> None:
        assert store.counted("one", 60.0) == Counts(0, 0)
        assert store.count("one", "success", 60.0) == Counts(1, 0)
        assert store.count("one", "failure", 60.0) == Counts(1, 1)
        await place.meet()
        assert other.count("one", "failure", 60.0) == Counts(1, 2)
        await place.meet()
        place.clock.advance(30.0)
        other.count("one", "success", 60.0)
        await place.meet()
        assert store.counted("one", 60.0) == other.counted("one", 60.0) == Counts(2, 2)
        assert store.counted("one", 30.0) == store.counted("two", 60.0) == Counts(0, 0)
        place.clock.advance(31.0)
        assert store.counted("one", 60.0) == other.counted("one", 60.0) == Counts(1, 0)

    # Observations.

    async def test_percentiles_are_those_of_all_within_five_percent(
        self, place: Place, store: StateStore, other: StateStore
    ) -> None:
        chance = random.Random(3)
        times = [chance.lognormvariate(6.0, 0.8) for _ in range(400)]
        for i, taken in enumerate(times):
            (store, other)[i % 2].observe("one", taken, taken / 10, 50)
        await place.meet()
        times.sort()
        for one in (store, other):
            seen = one.view().observed["one"]
            for share in (0.5, 0.95, 0.99):
                exact = times[int(share * 400) - 1]
                for sketch, factor in ((seen.latency, 1), (seen.first_content, 10), (seen.per_token, 50)):
                    value = sketch.percentile(share)
                    assert value is not None
                    assert value * factor == pytest.approx(exact, rel=0.05)
            assert seen.latency.weight(place.clock()) == pytest.approx(400)

    async def test_what_is_long_past_weighs_little(self, place: Place, store: StateStore, other: StateStore) -> None:
        for _ in range(100):
            store.observe("one", 1000.0)
        await place.meet()
        place.clock.advance(3000.0)
        for _ in range(10):
            other.observe("one", 10.0)
        await place.meet()
        for one in (store, other):
            seen = one.view().observed["one"]
            assert seen.latency.p95 == pytest.approx(10.0, rel=0.05)
            assert seen.latency.weight(place.clock()) == pytest.approx(10 + 100 / 1024, rel=0.01)
            assert seen.first_content.p50 is None

    async def test_after_a_silence_one_new_observation_weighs_as_much_as_all_old_ones(
        self, place: Place, store: StateStore, other: StateStore
    ) -> None:
        for _ in range(1000):
            store.observe("one", 5000.0, 900.0)
        await place.meet()
        place.clock.advance(301.0)
        other.observe("one", 100.0)
        await place.meet()
        for one in (store, other):
            seen = one.view().observed["one"]
            assert seen.latency.weight(place.clock()) == pytest.approx(2.0, rel=0.01)
            assert seen.latency.p50 == pytest.approx(100.0, rel=0.05)
            assert seen.first_content.p50 == pytest.approx(900.0, rel=0.05)
            assert seen.last == place.clock()
        place.clock.advance(299.0)
        store.observe("one", 100.0)
        await place.meet()
        weight = other.view().observed["one"].latency.weight(place.clock())
        assert weight == pytest.approx(1 + 2 * 2 ** (-299 / 300), rel=0.01)

    async def test_in_flight_is_counted_over_all(self, place: Place, store: StateStore, other: StateStore) -> None:
        store.began("one")
        other.began("one")
        other.began("two")
        await place.meet()
        assert dict(store.view().in_flight) == dict(other.view().in_flight) == {"one": 2, "two": 1}
        other.ended("one")
        other.ended("two")
        await place.meet()
        assert dict(store.view().in_flight) == {"one": 1}
        store.ended("one")
        store.ended("one")
        await place.meet()
        assert not store.view().in_flight
        assert not other.view().in_flight
