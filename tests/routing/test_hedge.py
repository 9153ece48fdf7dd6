"""Hedging against real sockets: who is asked beside whom, who wins, and that nothing of the other one stays behind."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from dragoman import errors
from dragoman.errors import ConfigError
from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded, Event, HedgeLost
from dragoman.routing import Answer, Call, CallOptions, CallRouter, StreamAnswer
from dragoman.routing.settings.hedge import HedgePolicy, hedge_policy
from dragoman.state import Counter
from dragoman.types.operations import CHAT, COUNT_TOKENS, EMBEDDING
from tests.routing.test_router import HELLO, Make, chat, text_of
from tests.routing.upstream import Upstream, eventually, soon

SOON = HedgePolicy(after=0.1)
SLOW = {False: "sim[latency=9]", True: "sim[slow-first=9]"}
PRICED = {
    "base_model": "openai/gpt-4o",
    "prices": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6},
}


def pair(upstream: Upstream, first: str, second: str, **more: Any) -> list[Any]:
    return [upstream.deployment("smart", name, number=at, **more) for at, name in enumerate((first, second))]


def names(answer: Answer | StreamAnswer) -> list[tuple[str, str | None]]:
    return [(attempt.deployment, attempt.error) for attempt in answer.attempts]


async def nothing_is_left(router: CallRouter, *deployments: Any) -> None:
    await soon(lambda: not router.store.view().in_flight)
    counters = [Counter(f"{item.id}:parallel") for item in deployments if item.max_parallel_requests]
    assert await router.store.used(counters) == (0,) * len(counters)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
async def test_a_late_deployment_is_left_for_one_that_answers(
    upstream: Upstream, make: Make, provider: str, stream: bool
) -> None:
    heard: list[Event] = []
    both = pair(upstream, SLOW[stream], "sim", provider=provider, max_parallel_requests=3)
    router = make(*both, settings={"hedge": SOON}, listeners=(heard.append,))
    started = time.time()
    answer = await router.answer(chat("smart", stream=stream))
    answered = time.time()
    assert "Hello" in await text_of(answer)
    assert answered - started < 5
    assert names(answer) == [("smart:0", "Hedged"), ("smart:1", None)]
    assert answer.attempts[1].why.startswith("smart:0 had not answered after 0.1 s; ")
    await soon(lambda: upstream.calls[0].closed_early)
    assert upstream.calls[0].closed_at is not None
    assert upstream.calls[0].closed_at - answered < 0.1
    await nothing_is_left(router, *both)
    assert [type(event) for event in heard] == [AttemptEnded, HedgeLost, AttemptEnded, CallSucceeded]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_first_may_still_win(upstream: Upstream, make: Make, stream: bool) -> None:
    slow = "sim[slow-first=0.4]" if stream else "sim[latency=0.4]"
    both = pair(upstream, slow, SLOW[stream], max_parallel_requests=3)
    router = make(*both, settings={"hedge": SOON})
    answer = await router.answer(chat("smart", stream=stream))
    assert "Hello" in await text_of(answer)
    assert names(answer) == [("smart:1", "Hedged"), ("smart:0", None)]
    await soon(lambda: upstream.calls[1].closed_early)
    await nothing_is_left(router, *both)


@pytest.mark.parametrize("stream", [False, True])
async def test_who_answers_in_time_is_alone(upstream: Upstream, make: Make, stream: bool) -> None:
    router = make(*pair(upstream, "sim", "sim"), settings={"hedge": HedgePolicy(after=5)})
    answer = await router.answer(chat("smart", stream=stream))
    assert "Hello" in await text_of(answer)
    assert names(answer) == [("smart:0", None)]
    assert len(upstream.calls) == 1


async def test_a_failure_before_it_is_late_goes_the_usual_way(upstream: Upstream, make: Make) -> None:
    router = make(*pair(upstream, "sim[error=500]", "sim"), settings={"hedge": HedgePolicy(after=5)})
    answer = await router.answer(chat("smart"))
    assert names(answer) == [("smart:0", "InternalServerError"), ("smart:1", None)]


@pytest.mark.parametrize("stream", [False, True])
async def test_when_the_first_fails_the_other_is_waited_for(upstream: Upstream, make: Make, stream: bool) -> None:
    three = [
        upstream.deployment("smart", "sim[latency=0.3;error=500]"),
        upstream.deployment("smart", "sim[latency=0.6]", number=1),
        upstream.deployment("smart", "sim", number=2),
    ]
    router = make(*three, settings={"hedge": SOON})
    answer = await router.answer(chat("smart", stream=stream))
    assert "Hello" in await text_of(answer)
    assert names(answer) == [("smart:0", "InternalServerError"), ("smart:1", None)]
    assert len(upstream.calls) == 2


async def test_when_the_other_fails_the_first_is_waited_for(upstream: Upstream, make: Make) -> None:
    router = make(*pair(upstream, "sim[latency=0.5]", "sim[error=500]"), settings={"hedge": SOON})
    answer = await router.answer(chat("smart"))
    assert names(answer) == [("smart:1", "InternalServerError"), ("smart:0", None)]


@pytest.mark.parametrize(("retries", "attempts"), [(0, 2), (1, 3)])
async def test_both_may_fail(upstream: Upstream, make: Make, retries: int, attempts: int) -> None:
    three = [
        upstream.deployment("smart", "sim[latency=0.3;error=503]"),
        upstream.deployment("smart", "sim[error=500]", number=1),
        upstream.deployment("smart", "sim[error=500]", number=2),
    ]
    router = make(*three, settings={"hedge": SOON, "num_retries": retries})
    with pytest.raises(errors.InternalServerError) as caught:
        await router.answer(chat("smart"))
    tried = [attempt.deployment for attempt in caught.value.attempts]
    assert tried == ["smart:1", "smart:0", "smart:2"][:attempts]
    assert len(upstream.calls) == attempts
    await nothing_is_left(router, *three)


async def test_one_call_hedges_once(upstream: Upstream, make: Make) -> None:
    slow = "sim[latency=0.3;error=503]"
    four = [upstream.deployment("smart", slow, number=number) for number in range(4)]
    router = make(*four, settings={"hedge": SOON, "num_retries": 1})
    with pytest.raises(errors.ServiceUnavailableError) as caught:
        await router.answer(chat("smart"))
    assert len(caught.value.attempts) == 3 == len(upstream.calls)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_leaves_leaves_both(upstream: Upstream, make: Make, stream: bool) -> None:
    heard: list[Event] = []
    both = pair(upstream, SLOW[stream], SLOW[stream], max_parallel_requests=2)
    router = make(*both, settings={"hedge": SOON}, listeners=(heard.append,))
    task = asyncio.create_task(router.answer(chat("smart", stream=stream)))
    await soon(lambda: len(upstream.calls) == 2)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = time.time()
    await soon(lambda: all(call.closed_early for call in upstream.calls))
    assert all(call.closed_at is not None and call.closed_at - left < 0.1 for call in upstream.calls)
    await nothing_is_left(router, *both)
    assert [
        event.attempt.error if isinstance(event, AttemptEnded) else event.record.error
        for event in heard
        if isinstance(event, (AttemptEnded, CallFailed))
    ] == ["CancelledError"] * 3
    assert isinstance(heard[-1], CallFailed)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_usual_is_learned(upstream: Upstream, make: Make, stream: bool) -> None:
    both = pair(upstream, SLOW[stream], "sim")
    router = make(*both, settings={"hedge": HedgePolicy()})
    for _ in range(20):
        router.store.observe(both[0].key, 100.0, 100.0)
    answer = await router.answer(chat("smart", stream=stream))
    assert names(answer)[0] == ("smart:0", "Hedged")
    known = router.store.view().observed[both[0].key]
    times = known.first_content if stream else known.latency
    assert times.weight(router.store.now()) > 20.5
    await answer.aclose() if isinstance(answer, StreamAnswer) else None


@pytest.mark.parametrize("observed", [0, 5])
async def test_without_knowing_what_is_usual_nobody_is_late(upstream: Upstream, make: Make, observed: int) -> None:
    both = pair(upstream, "sim[latency=0.4]", "sim")
    router = make(*both, settings={"hedge": HedgePolicy()})
    for _ in range(observed):
        router.store.observe(both[0].key, 10.0)
    answer = await router.answer(chat("smart"))
    assert names(answer) == [("smart:0", None)]


@pytest.mark.parametrize(("most", "hedged"), [(10**9, True), (10, False)])
async def test_the_other_may_not_cost_more(upstream: Upstream, make: Make, most: int, hedged: bool) -> None:
    both = pair(upstream, "sim[latency=0.6]", "sim", options=PRICED, max_parallel_requests=1, rpm=5, tpm=100_000)
    router = make(*both, settings={"hedge": HedgePolicy(after=0.1, max_extra_cost=most)})
    answer = await router.answer(chat("smart", request={"max_tokens": 50}))
    assert (answer.attempts[0].error == "Hedged") is hedged
    assert len(upstream.calls) == 1 + hedged
    await nothing_is_left(router, *both)
    assert await router.store.used([Counter("smart:1:rpm", 60.0)]) == (int(hedged),)


async def test_one_whose_price_nobody_knows_is_too_dear(upstream: Upstream, make: Make) -> None:
    both = pair(upstream, "sim[latency=0.4]", "sim")
    router = make(*both, settings={"hedge": HedgePolicy(after=0.1, max_extra_cost=10**12)})
    assert names(await router.answer(chat("smart"))) == [("smart:0", None)]


async def test_what_the_other_may_charge_is_told(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    both = pair(upstream, SLOW[False], "sim", options=PRICED)
    router = make(*both, settings={"hedge": SOON}, listeners=(heard.append,))
    answer = await router.answer(chat("smart", request={"max_tokens": 50}))
    told = next(event for event in heard if isinstance(event, HedgeLost))
    assert (told.attempt.deployment, told.record.alias, told.usage) == ("smart:0", "smart", None)
    assert told.lower is not None
    assert told.upper is not None
    assert isinstance(answer, Answer)
    assert answer.cost is not None
    assert answer.cost.total is not None
    assert 0 <= told.lower <= answer.cost.total <= told.upper
    assert told.upper >= 50 * 1000


async def test_one_that_is_out_is_not_asked(upstream: Upstream, make: Make) -> None:
    three = [
        upstream.deployment("smart", "sim[latency=0.5]"),
        upstream.deployment("smart", "sim[error=429;retry-after=30]", number=1),
    ]
    router = make(*three, settings={"hedge": SOON})
    first = await router.answer(chat("smart"))
    second = await router.answer(chat("smart"))
    assert names(first) == [("smart:1", "RateLimitError"), ("smart:0", None)]
    assert names(second) == [("smart:0", None)]


async def test_the_deadline_holds_for_both(upstream: Upstream, make: Make) -> None:
    router = make(*pair(upstream, "sim[hang]", "sim[hang]"), settings={"hedge": SOON, "timeout": 0.5})
    started = time.monotonic()
    with pytest.raises(errors.Timeout) as caught:
        await router.answer(chat("smart"))
    assert time.monotonic() - started < 3
    assert len(caught.value.attempts) == 2
    await soon(lambda: all(call.closed_early for call in upstream.calls))


async def test_embeddings_hedge_and_counting_does_not(upstream: Upstream, make: Make) -> None:
    both = pair(upstream, "sim[latency=0.5]", "sim")
    router = make(*both, settings={"hedge": SOON})
    answer = await router.answer(Call(operation=EMBEDDING, model="smart", request={"input": ["hello"]}))
    assert names(answer) == [("smart:0", "Hedged"), ("smart:1", None)]
    both = pair(upstream, "sim[latency=0.5]", "sim", provider="anthropic")
    router = make(*both, settings={"hedge": SOON})
    request = {"chat": {"model": "smart", "messages": HELLO}}
    counted = await router.answer(Call(operation=COUNT_TOKENS, model="smart", request=request))
    assert names(counted) == [("smart:0", None)]


@pytest.mark.parametrize("said", ["call", "deployment"])
async def test_a_call_and_a_deployment_may_say_otherwise(upstream: Upstream, make: Make, said: str) -> None:
    own = {"options": {"hedge": SOON}} if said == "deployment" else {}
    router = make(*pair(upstream, "sim[latency=0.5]", "sim", **own))
    call: dict[str, Any] = {"hedge": SOON} if said == "call" else {}
    assert names(await router.answer(chat("smart", **call)))[0] == ("smart:0", "Hedged")
    off = CallOptions(hedge=HedgePolicy(off=True))
    call_off = Call(operation=CHAT, model="smart", request={"model": "smart", "messages": HELLO}, options=off)
    assert names(await router.answer(call_off)) == [("smart:0", None)]


def test_how_it_is_written() -> None:
    assert hedge_policy({"after": "p95", "max_extra_cost": 0.01}, "hedge") == HedgePolicy(max_extra_cost=10_000_000)
    assert hedge_policy({"after": 1.5}, "hedge") == HedgePolicy(after=1.5)
    assert hedge_policy(False, "hedge").off
    for wrong, path in (
        (3, "hedge"),
        ({"after": "p50"}, "hedge.after"),
        ({"after": 0}, "hedge.after"),
        ({"max_extra_cost": -1}, "hedge.max_extra_cost"),
        ({"afters": 1}, "hedge.afters"),
    ):
        with pytest.raises(ConfigError) as caught:
            hedge_policy(wrong, "hedge")
        assert caught.value.message.startswith(f"{path}: ")


def test_a_thread_of_its_own_may_ask(upstream: Upstream) -> None:
    async def one() -> list[tuple[str, str | None]]:
        router = CallRouter(pair(upstream, "sim[latency=9]", "sim"))
        try:
            return names(await router.answer(chat("smart", hedge=SOON)))
        finally:
            await router.aclose()

    assert asyncio.run(one())[0] == ("smart:0", "Hedged")
    eventually(lambda: upstream.calls[0].closed_early)
