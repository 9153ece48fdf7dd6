"""Limits against a naive model, under random histories, in memory and in Redis."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from dragoman.state import Claim, Counter, StateStore
from tests.state.places import Place, in_memory, in_redis
from tests.upstreams.redis_server import RedisServer

LIMITS = {
    Counter("requests", 60.0): 4,
    Counter("requests", 1.0): 2,
    Counter("tokens", 60.0): 1000,
    Counter("tokens", 0.05): 500,
    Counter("parallel"): 2,
}
COUNTERS = list(LIMITS)


@dataclass
class Taken:
    """One claim that was admitted, remembered for ever."""

    counter: Counter
    at: float
    amount: int
    until: float = math.inf
    """When a slot is free."""


def _width(seconds: float) -> float:
    """The documented precision: a sixtieth, in whole milliseconds."""
    return math.ceil(round(seconds * 1000) / 60)


class Model:
    def __init__(self) -> None:
        self.leases: dict[str, list[Taken]] = {}
        self.taken: list[Taken] = []

    def used(self, counter: Counter, now: float, *, exactly: bool = False) -> int:
        taken = [it for it in self.taken if it.counter == counter]
        if counter.seconds is None:
            return sum(it.until > now for it in taken)
        if exactly:
            return sum(it.amount for it in taken if it.at > now - counter.seconds)
        width, length = _width(counter.seconds), round(counter.seconds * 1000)
        oldest = round(now * 1000) // width - math.ceil(length / width)
        return sum(it.amount for it in taken if round(it.at * 1000) // width >= oldest)


class LimitsMachine(RuleBasedStateMachine):
    """One store, one clock, and the model beside it."""

    place_of: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = contextlib.AsyncExitStack()
        self.place: Place = self.run(self.stack.enter_async_context(type(self).place_of()))
        self.stores: list[StateStore] = [self.run(self.place.join()) for _ in range(2)]
        self.model = Model()
        self.names = 0

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.runner.close()

    @rule(milliseconds=st.one_of(st.integers(0, 50), st.integers(0, 2000), st.integers(0, 70_000)))
    def wait(self, milliseconds: int) -> None:
        self.place.clock.advance(milliseconds / 1000)

    @rule(
        wanted=st.dictionaries(st.sampled_from(COUNTERS), st.integers(0, 600), min_size=1),
        ttl=st.sampled_from([1.0, 30.0]),
        which=st.integers(0, 1),
    )
    def acquire(self, wanted: dict[Counter, int], ttl: float, which: int) -> None:
        now, self.names = self.place.clock(), self.names + 1
        claims = [
            Claim(counter, LIMITS[counter], amount if counter.key == "tokens" else 1)
            for counter, amount in wanted.items()
        ]
        fits = all(self.model.used(it.counter, now) + it.amount <= it.limit for it in claims)
        refusal = self.run(self.stores[which].acquire(f"{which}-{self.names}", claims, ttl))
        assert (refusal is None) == fits
        if refusal is None:
            taken = [Taken(it.counter, now, it.amount, now + ttl) for it in claims]
            self.model.leases[f"{which}-{self.names}"] = taken
            self.model.taken += taken
            for it in claims:
                assert self.model.used(it.counter, now, exactly=True) <= it.limit
        else:
            self._check(refusal, now)

    def _check(self, refusal: Any, now: float) -> None:
        claim = refusal.claim
        assert refusal.used == self.model.used(claim.counter, now)
        if claim.amount > claim.limit:
            assert refusal.retry_after is None
        elif claim.counter.seconds is not None:
            then = round(now + refusal.retry_after, 3)
            assert self.model.used(claim.counter, then) + claim.amount <= claim.limit
            assert self.model.used(claim.counter, then - 0.001) + claim.amount > claim.limit

    @rule(data=st.data(), tokens=st.one_of(st.none(), st.integers(0, 1200)), requests=st.sampled_from([None, 0, 1]))
    def settle(self, data: st.DataObject, tokens: int | None, requests: int | None) -> None:
        if not self.model.leases:
            return
        lease = data.draw(st.sampled_from(sorted(self.model.leases)))
        amounts = {key: it for key, it in (("tokens", tokens), ("requests", requests)) if it is not None}
        store = self.stores[int(lease[0])]
        store.settle(lease, amounts)
        self.run(store.refresh())
        for taken in self.model.leases.pop(lease):
            taken.amount = amounts.get(taken.counter.key, taken.amount)
            taken.until = -math.inf

    @rule(data=st.data(), ttl=st.sampled_from([1.0, 30.0]))
    def renew(self, data: st.DataObject, ttl: float) -> None:
        now = self.place.clock()
        # A lease that nobody renewed in time may be forgotten.
        known = [name for name, taken in self.model.leases.items() if any(now < it.until < math.inf for it in taken)]
        if not known:
            return
        lease = data.draw(st.sampled_from(sorted(known)))
        store = self.stores[int(lease[0])]
        store.renew(lease, ttl)
        self.run(store.refresh())
        for taken in self.model.leases[lease]:
            taken.until = now + ttl

    @invariant()
    def what_is_used_is_what_was_taken(self) -> None:
        now = self.place.clock()
        expected = tuple(self.model.used(counter, now) for counter in COUNTERS)
        for store in self.stores:
            assert self.run(store.used(COUNTERS)) == expected


_MANY = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def test_in_memory() -> None:
    machine = type("InMemory", (LimitsMachine,), {"place_of": staticmethod(in_memory)})
    run_state_machine_as_test(machine, settings=_MANY)


@pytest.mark.usefixtures("redis_server")
def test_in_redis(redis_server: RedisServer) -> None:
    machine = type("InRedis", (LimitsMachine,), {"place_of": staticmethod(lambda: in_redis(redis_server.url))})
    run_state_machine_as_test(machine, settings=settings(_MANY, max_examples=20))
