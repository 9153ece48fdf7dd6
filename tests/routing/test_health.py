"""The circuit breaker: its three states against a small model of them, and what calls through real sockets teach it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dragoman import errors
from dragoman.observe import CircuitClosed, CircuitOpened, Event
from dragoman.routing import Call, CallOptions, CallRouter, Deployment
from dragoman.routing.deployments.member import Member
from dragoman.routing.health.health import DeploymentHealth
from dragoman.routing.settings.health import HealthPolicy
from dragoman.state import MemoryStore
from dragoman.types.operations import CHAT, EMBEDDING
from tests.routing.upstream import Stillness, Upstream, soon

Make = Callable[..., CallRouter]
START = 1_700_000_000.0
RECORD = Upstream(1).provider("sim")


def chat(model: str, *, stream: bool = False, **options: Any) -> Call:
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return Call(operation=CHAT, model=model, request=request, stream=stream, options=CallOptions(**options))


def member(name: str = "a", *, alone: bool = False, **more: Any) -> Member:
    deployment = Deployment(id=name, alias="smart", provider=RECORD, model="sim", **more)
    return Member(deployment, deployment.key, deployment.credential_key, alone)


def failure(status: int, retry_after: float | None = None) -> errors.APIError:
    return errors.error_for_status(status)("no", retry_after=retry_after)


class Machine(RuleBasedStateMachine):
    """One deployment; calls begin and end in any order, and time passes."""

    ALLOWED, FIRST, LONGEST = 2, 4.0, 60.0

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        policy = HealthPolicy(
            allowed_fails=self.ALLOWED, cooldown=self.FIRST, longest_cooldown=self.LONGEST, failure_rate=1.0
        )
        self.told: list[Event] = []
        self.store = MemoryStore(lambda: self.now)
        self.health = DeploymentHealth(self.store, policy, self.told.append)
        self.member = member()
        self.loop = asyncio.new_event_loop()
        self.under_way: list[tuple[str, ...]] = []
        # The model.
        self.state, self.until, self.times, self.in_a_row, self.probing = "closed", 0.0, 0, 0, False

    def teardown(self) -> None:
        self.loop.close()

    def _time_passes(self) -> None:
        if self.state == "open" and self.until <= self.now:
            self.state = "half_open"
        if self.state == "limited" and self.until <= self.now:
            self.state = "closed"

    @rule(seconds=st.sampled_from([0.5, 4.0, 8.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._time_passes()
        if self.probing and self.now - self.claimed >= 60.0:
            self.probing = False

    @rule()
    def call(self) -> None:
        """As a seeker does: out, or half-open, or asked."""
        out = self.member.outage(self.store.view().outages) is not None
        assert out == (self.state in ("open", "limited"))
        if out:
            return
        keys = self.health.half_open(self.member)
        assert bool(keys) == (self.state == "half_open")
        if keys:
            may = self.loop.run_until_complete(self.health.may_probe(keys))
            assert may == (not self.probing), "one probe at a time"
            if not may:
                return
            self.probing, self.claimed = True, self.now
        self.under_way.append(keys)

    def _ended(self, data: st.DataObject) -> tuple[str, ...]:
        return self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))

    def _is_stale(self, probed: tuple[str, ...]) -> bool:
        """A probe that took so long that it was given up; both sides treat it as a call of an earlier time."""
        return bool(probed) and not (self.probing and self.state == "half_open" and not any(self.under_way))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        probed = self._ended(data)
        if self._is_stale(probed):
            return
        self.health.record_success(self.member, probed)
        self.in_a_row = 0
        if probed or self.state == "closed":
            self.state, self.times = "closed", 0
        self.probing = self.probing and not probed

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), status=st.sampled_from([500, 503]))
    def fail(self, data: st.DataObject, status: int) -> None:
        probed = self._ended(data)
        if self._is_stale(probed):
            return
        self.health.record_failure(self.member, failure(status), probed)
        self.in_a_row += 1
        if probed or (self.state == "closed" and self.in_a_row > self.ALLOWED):
            self.times += 1
            self.state = "open"
            self.until = self.now + min(self.FIRST * 2 ** (self.times - 1), self.LONGEST)
        self.probing = self.probing and not probed

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), kind=st.sampled_from(["left", "bad request"]))
    def end_without_a_word(self, data: st.DataObject, kind: str) -> None:
        probed = self._ended(data)
        if self._is_stale(probed):
            return
        error = asyncio.CancelledError() if kind == "left" else failure(400)
        self.health.record_failure(self.member, error, probed)
        self.probing = self.probing and not probed

    @precondition(lambda self: self.under_way and self.state == "closed")
    @rule(data=st.data(), seconds=st.sampled_from([1.0, 20.0]))
    def meet_a_limit(self, data: st.DataObject, seconds: float) -> None:
        probed = self._ended(data)
        if probed:
            return
        self.health.record_failure(self.member, failure(429, seconds), probed)
        self.in_a_row += 1
        self.times += 1
        self.state, self.until = "limited", self.now + seconds

    @invariant()
    def agree(self) -> None:
        outage = self.store.view().outages.get("a")
        assert (outage is not None) == (self.state in ("open", "limited"))
        if outage is not None:
            assert (outage.until, outage.failures) == (self.until, self.times)
        assert self.health.failures_in_a_row(self.member) == self.in_a_row


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestMachine = Machine.TestCase


def health(**policy: Any) -> tuple[DeploymentHealth, list[Event]]:
    told: list[Event] = []
    return DeploymentHealth(MemoryStore(lambda: START), HealthPolicy(**policy), told.append), told


def test_fifty_calls_that_fail_together_are_one_outage() -> None:
    breaker, told = health(allowed_fails=0)
    for _ in range(50):
        breaker.record_failure(member(), failure(500))
    assert [type(event) for event in told] == [CircuitOpened]
    outage = breaker.store.view().outages["a"]
    assert (outage.failures, outage.until) == (1, START + 5.0)


def test_a_call_from_before_an_outage_does_not_end_it() -> None:
    breaker, _ = health(allowed_fails=0)
    breaker.record_failure(member(), failure(500))
    breaker.record_success(member())
    assert "a" in breaker.store.view().outages
    assert breaker.half_open(member()) == ("a",)


@pytest.mark.parametrize("status", [503, 529, 500])
def test_who_says_when_to_come_again_is_out_at_once_where_there_is_somewhere_else(status: int) -> None:
    breaker, _ = health()
    assert breaker.record_failure(member(alone=True), failure(status, 30.0)) is None
    assert breaker.record_failure(member("b"), failure(status)) is None
    outage = breaker.record_failure(member(), failure(status, 30.0))
    assert outage is not None
    assert outage.until == START + 30.0


def test_a_limit_that_names_a_far_day_is_tried_after_a_day() -> None:
    breaker, _ = health()
    outage = breaker.record_failure(member(), failure(429, 1e9))
    assert outage is not None
    assert outage.until == START + 86400.0


def test_patience_by_class_of_error_and_by_deployment() -> None:
    breaker, _ = health(allowed_fails_by_error={"RateLimitError": 1, "InternalServerError": 0})
    assert breaker.record_failure(member("a"), failure(429, 5.0)) is None
    assert breaker.record_failure(member("a"), failure(429, 5.0)) is not None
    assert breaker.record_failure(member("b"), failure(502)) is not None, "a class of a class"
    own = member("c", allowed_fails_by_error={"InternalServerError": 1})
    assert breaker.record_failure(own, failure(500)) is None
    assert breaker.record_failure(own, failure(500)) is not None


def test_a_key_that_is_refused_is_out_for_all_its_deployments() -> None:
    breaker, _ = health()
    assert breaker.record_failure(member("a"), failure(401)) is not None
    outages = breaker.store.view().outages
    assert member("b").outage(outages) is not None
    other = member("c", options=CallOptions(api_key="another"))
    assert other.outage(outages) is None
    assert member("d", alone=True).outage(outages) is None, "better the provider's own word than none"


def test_what_callers_can_name_is_remembered_within_bounds() -> None:
    breaker, _ = health()
    for number in range(10_050):
        breaker.record_failure(member(f"wild:{number}"), failure(500))
    assert len(breaker._in_a_row) == 10_000


def test_no_cooldowns() -> None:
    breaker, told = health(disabled=True)
    for status in (500, 429, 401):
        for _ in range(10):
            assert breaker.record_failure(member(), failure(status, 5.0)) is None
    assert not told


async def taken_out(router: CallRouter) -> list[str]:
    return list(router.store.view().outages)


async def test_a_callers_own_haste_is_nobodys_fault(upstream: Upstream, make: Make) -> None:
    slow = [upstream.deployment("smart", "sim[hang]", number=number, allowed_fails=0) for number in (1, 2)]
    router = make(*slow)
    for options in ({"timeout": 0.2}, {"stream_timeout": 0.2, "num_retries": 1}):
        with pytest.raises(errors.Timeout):
            await router.answer(chat("smart", stream=True, **options))
    assert not router.store.view().outages
    impatient = make(*slow, settings={"timeout": 0.2, "num_retries": 0})
    with pytest.raises(errors.Timeout):
        await impatient.answer(chat("smart"))
    assert list(impatient.store.view().outages) == ["smart:1"], "the router's own patience"


async def test_a_probe_whose_caller_leaves_or_errs_is_given_back(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    told: list[Event] = []
    one = upstream.deployment("smart", "sim[hang]", number=1, allowed_fails=0)
    two = upstream.deployment("smart", "sim", number=2)
    router = make(one, two, clock=still.clock, listeners=(told.append,))
    router.health.record_failure(router._index.group("smart", CallOptions()).members[0], failure(500))
    assert (await router.answer(chat("smart"))).attempts[-1].deployment == "smart:2", "it is out"
    await still.clock.sleep(6.0)
    probe = asyncio.create_task(router.answer(chat("smart")))
    await soon(lambda: router.store.view().in_flight)
    second = await router.answer(chat("smart"))
    assert second.attempts[-1].passed_over == (("smart:1", "out: another call is finding out whether it works again"),)
    probe.cancel()
    await asyncio.wait([probe])
    assert await router.health.may_probe(("smart:1",)), "given back at once"
    router.health.release_probes(("smart:1",))
    assert not [event for event in told if isinstance(event, CircuitClosed)], "and nothing was learned"
    assert router.health.half_open(router._index.group("smart", CallOptions()).members[0]) == ("smart:1",)


async def test_a_probe_that_its_limits_refuse_is_given_back(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim", number=1, allowed_fails=0, rpm=0),
        upstream.deployment("smart", "sim", number=2),
        clock=still.clock,
    )
    router.health.record_failure(router._index.group("smart", CallOptions()).members[0], failure(500))
    await still.clock.sleep(6.0)
    assert (await router.answer(chat("smart"))).attempts[-1].deployment == "smart:2"
    assert await router.health.may_probe(("smart:1",))


async def test_one_model_of_a_wildcard_does_not_take_out_the_others(upstream: Upstream, make: Make) -> None:
    wild = [
        replace(upstream.deployment("sim/*", "*", number=number), order=number, rpm=100 if number == 1 else None)
        for number in (1, 2)
    ]
    router = make(*wild)
    answer = await router.answer(chat("sim/sim[error=429;retry-after=30;times=1]"))
    assert [made.error for made in answer.attempts] == ["RateLimitError", None]
    assert list(router.store.view().outages) == ["sim/*:1:sim[error=429;retry-after=30;times=1]"]
    other = await router.answer(chat("sim/sim-other"))
    assert [made.deployment for made in other.attempts] == ["sim/*:1"]
    (cooldown,) = router.cooldowns()
    assert cooldown.deployment.startswith("sim/*:1:")
    state = (await router.state()).deployments["sim/*"][0]
    assert state.limits == {"rpm": {"used": 2, "limit": 100}}, "limits are the deployment's"


async def test_an_operation_that_is_not_offered_takes_nothing_out(upstream: Upstream, make: Make) -> None:
    router = make(*(upstream.deployment("smart", "sim", provider="anthropic", number=number) for number in (1, 2)))
    call = Call(operation=EMBEDDING, model="smart", request={"model": "smart", "input": "Hello"})
    with pytest.raises(errors.NotFoundError):
        await router.answer(call)
    assert not router.store.view().outages


async def test_a_callers_own_key_teaches_nothing(upstream: Upstream, make: Make) -> None:
    router = make(*(upstream.deployment("smart", "sim[error=401]", number=number) for number in (1, 2)))
    with pytest.raises(errors.AuthenticationError):
        await router.answer(chat("smart", api_key="my-own", num_retries=0))
    assert not router.store.view().outages


async def test_it_heals_by_one_probe(upstream: Upstream, make: Make) -> None:
    still, told = Stillness(), list[Event]()
    router = make(
        upstream.deployment("smart", "sim", number=1, allowed_fails=0),
        upstream.deployment("smart", "sim", number=2),
        clock=still.clock,
        listeners=(told.append,),
    )
    first = router._index.group("smart", CallOptions()).members[0]
    router.health.record_failure(first, failure(500))
    await still.clock.sleep(6.0)
    answers = await asyncio.gather(*(router.answer(chat("smart")) for _ in range(20)))
    assert [answer.attempts[-1].deployment for answer in answers].count("smart:1") == 1
    assert [event for event in told if isinstance(event, CircuitClosed)] == [CircuitClosed("smart:1", "smart:1")]
    assert (await router.answer(chat("smart"))).attempts[-1].deployment == "smart:1"


async def test_nobody_knows_when_is_a_second(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim", rpm=0))
    with pytest.raises(errors.RateLimitError) as caught:
        await router.answer(chat("smart"))
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 0
