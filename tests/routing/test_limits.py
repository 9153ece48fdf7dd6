"""The limits of deployments through the router: taken before, made right after, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dragoman import errors
from dragoman.routing import CallRouter, RouterSettings
from dragoman.routing.admission.limits import Renewal
from dragoman.state import Claim, Counter, MemoryStore
from tests.routing.test_health import chat
from tests.routing.upstream import Upstream, soon


@contextlib.asynccontextmanager
async def routing(*deployments: Any, **settings: Any) -> AsyncIterator[CallRouter]:
    router = CallRouter(deployments, settings=RouterSettings(**settings))
    try:
        yield router
    finally:
        await router.aclose()


async def used(router: CallRouter, name: str, seconds: float | None = 60.0) -> int:
    return (await router.store.used([Counter(name, seconds)]))[0]


async def test_a_thousand_calls_that_end_in_every_way_leave_nothing_in_flight(upstream: Upstream) -> None:
    chance = random.Random(7)
    models = ["sim", "sim[latency=0.02]", "sim[error=500]", "sim[cut=1]", "sim[drop]", "sim[error=429;retry-after=0]"]
    deployments = [
        upstream.deployment(
            "smart", model, number=number, order=0, max_parallel_requests=8, rpm=100_000, tpm=10_000_000
        )
        for number, model in enumerate(models)
    ]
    async with routing(*deployments, num_retries=1) as router:

        async def call() -> None:
            stream = chance.random() < 0.5
            with contextlib.suppress(errors.DragomanError, TimeoutError):
                async with asyncio.timeout(chance.choice([0.0, 0.005, 0.02, 5.0, 5.0])):
                    answer = await router.answer(chat("smart", stream=stream, timeout=chance.choice([0.01, 0.05, 5.0])))
                    if stream and chance.random() < 0.3:
                        await answer.aclose()  # type: ignore[union-attr]
                    elif stream:
                        async for _ in answer.batches:  # type: ignore[union-attr]
                            pass

        for _ in range(20):
            await asyncio.gather(*(call() for _ in range(50)))
        assert dict(router.store.view().in_flight) == {}
        assert [await used(router, f"{item.id}:parallel", None) for item in deployments] == [0] * len(deployments)


async def test_tokens_are_made_right_and_a_refused_call_takes_none(upstream: Upstream) -> None:
    limited: dict[str, Any] = {"tpm": 100_000, "rpm": 10}
    good, bad = (
        upstream.deployment("good", "sim", **limited),
        upstream.deployment("bad", "sim[error=500]", **limited),
    )
    async with routing(good, bad, num_retries=0) as router:
        answer = await router.answer(chat("good"))
        assert answer.usage is not None
        assert await used(router, "good:0:tpm") == answer.usage["total_tokens"]
        with pytest.raises(errors.InternalServerError):
            await router.answer(chat("bad"))
        assert (await used(router, "bad:0:tpm"), await used(router, "bad:0:rpm")) == (0, 1)


async def test_input_and_output_have_limits_of_their_own(upstream: Upstream) -> None:
    deployment = upstream.deployment("smart", "sim", itpm=5000, otpm=5000, params={"max_tokens": 300})
    async with routing(deployment, num_retries=0) as router:
        usage = (await router.answer(chat("smart"))).usage
        assert usage is not None
        read, written = usage["prompt_tokens"], usage["completion_tokens"]
        assert (await used(router, "smart:0:itpm"), await used(router, "smart:0:otpm")) == (read, written)
        (state,) = (await router.state()).deployments["smart"]
        assert state.limits == {"itpm": {"used": read, "limit": 5000}, "otpm": {"used": written, "limit": 5000}}


@pytest.mark.parametrize(
    ("params", "said", "held"),
    [({}, {}, 1000), ({"max_tokens": 300}, {}, 300), ({"max_tokens": 300}, {"max_tokens": 70}, 70)],
)
async def test_an_answer_holds_as_much_output_as_it_may_have(
    upstream: Upstream, params: dict[str, Any], said: dict[str, Any], held: int
) -> None:
    async with routing(upstream.deployment("smart", "sim[hang]", otpm=held + 10, params=params)) as router:
        asked = chat("smart")
        asked.request |= said
        first = asyncio.create_task(router.answer(asked))
        await soon(lambda: upstream.calls)
        assert await used(router, "smart:0:otpm") == held
        explained = await router.explain(chat("smart"))
        assert explained.candidates[0].dropped == f"smart:0:otpm is at its limit: {held} of {held + 10}"
        first.cancel()
        await asyncio.wait([first])


async def test_of_a_call_that_was_left_the_estimate_stays(upstream: Upstream) -> None:
    async with routing(upstream.deployment("smart", "sim[hang]", tpm=1000, max_parallel_requests=1)) as router:
        call = asyncio.create_task(router.answer(chat("smart")))
        await soon(lambda: upstream.calls)
        call.cancel()
        await asyncio.wait([call])
        assert await used(router, "smart:0:tpm") > 0
        assert await used(router, "smart:0:parallel", None) == 0


async def test_a_default_for_calls_at_the_same_time(upstream: Upstream) -> None:
    deployment = upstream.deployment("smart", "sim[latency=0.05]")
    async with routing(deployment, default_max_parallel_requests=2) as router:
        answers = asyncio.gather(*(router.answer(chat("smart")) for _ in range(6)), return_exceptions=True)
        highest = 0
        while not answers.done():
            highest = max(highest, router.store.view().in_flight.get("smart:0", 0))
            await asyncio.sleep(0.005)
        assert highest == 2
        assert await used(router, "smart:0:parallel", None) == 0


async def test_a_long_call_keeps_its_slot_and_a_lost_one_loses_it() -> None:
    now = 1_700_000_000.0
    store = MemoryStore(lambda: now)
    slots = Counter("slots")
    for lease in ("kept", "lost"):
        assert await store.acquire(lease, [Claim(slots, 2)]) is None
    renewal = Renewal(store, "kept", every=0.001)
    for _ in range(4):
        now += 20.0
        await asyncio.sleep(0.01)
    assert await store.used([slots]) == (1,)
    renewal.stop()
    now += 31.0
    await asyncio.sleep(0.01)
    assert await store.used([slots]) == (0,)
