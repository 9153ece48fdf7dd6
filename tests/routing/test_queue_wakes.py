"""Nobody in the line sleeps through his turn, whoever leaves it, and whatever sets a deployment free."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import replace
from typing import Any

from dragoman.routing import CallRouter, RouterSettings, StreamAnswer
from dragoman.routing.admission.queue import Waiter, WaitQueue
from dragoman.routing.settings.queue import QueuePolicy
from tests.routing.test_queue import ask, chat
from tests.routing.upstream import Upstream, soon

EU = {"allowed_model_region": "eu"}
US = {"allowed_model_region": "us"}
LONG = 30.0
"""Seconds that nobody would wait."""


def in_line(line: WaitQueue, *needs: str) -> tuple[Waiter, asyncio.Task[None]]:
    """One who sleeps until it is woken."""
    waiter = Waiter("smart", 0, frozenset(needs), LONG)
    line.join(waiter, 100, 0.0)
    return waiter, asyncio.create_task(waiter.sleep(LONG, asyncio.sleep))


async def woken(*tasks: asyncio.Task[None]) -> list[bool]:
    await asyncio.sleep(0.05)
    try:
        return [task.done() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def test_who_leaves_wakes_the_next_one_for_each_deployment() -> None:
    line = WaitQueue()
    _, first = in_line(line, "here")
    leaving, gone = in_line(line, "here", "there")
    _, second = in_line(line, "here")
    _, third = in_line(line, "there")
    _, fourth = in_line(line, "there")
    line.leave(leaving)
    assert await woken(first, second, third, fourth, gone) == [True, False, True, False, False]


async def test_who_can_take_both_is_woken_alone() -> None:
    line = WaitQueue()
    _, first = in_line(line, "here", "there")
    _, second = in_line(line, "there")
    line.released("here")
    assert await woken(first, second) == [True, False]


async def test_a_waiter_whose_loop_has_ended_is_passed_over() -> None:
    line = WaitQueue()
    ended, first = in_line(line, "here")
    ended._loop = asyncio.new_event_loop()
    ended._loop.close()
    _, second = in_line(line, "here")
    line.released("here")
    assert await woken(first, second) == [False, True]


async def test_who_stood_behind_a_call_that_left_gets_a_deployment_that_only_time_sets_free(upstream: Upstream) -> None:
    here = upstream.deployment("smart", "sim", order=0, region="eu-west-1", max_parallel_requests=1)
    there = upstream.deployment("smart", "sim[error=429;retry-after=1]", number=1, order=0, region="us-east-1")
    router = CallRouter([here, there], settings=RouterSettings(queue=QueuePolicy(timeout=LONG), num_retries=0))
    hold = await router.answer(chat("holder", stream=True, metadata=EU))
    await asyncio.gather(ask(router, chat("refused", metadata=US)), return_exceptions=True)
    line = []
    for number, metadata in enumerate((EU, {}, US)):
        line.append(asyncio.create_task(ask(router, chat(str(number), metadata=metadata))))
        await soon(lambda number=number: len(router.wait_queue) > number)  # type: ignore[misc]
    line[1].cancel()
    done, _ = await asyncio.wait([line[2]], timeout=10)
    assert done
    assert len(upstream.calls) == 3
    await hold.aclose()  # type: ignore[union-attr]
    await asyncio.wait(line)
    await asyncio.gather(*line, return_exceptions=True)
    await router.aclose()


async def test_a_retry_waits_for_the_slot_that_another_call_took_meanwhile(upstream: Upstream) -> None:
    failing = upstream.deployment("smart", "sim[error=500;times=1]", max_parallel_requests=1)
    router = CallRouter([failing], settings=RouterSettings(num_retries=1, retry_after=1.0))
    retrying = asyncio.create_task(ask(router, chat(stream=True)))
    await soon(lambda: upstream.calls and not router.store.view().in_flight)
    other = await router.answer(replace(chat(stream=True), request_id="other"))
    assert isinstance(other, StreamAnswer)
    await soon(lambda: len(router.wait_queue) == 1)
    await other.aclose()
    answer = await retrying
    assert isinstance(answer, StreamAnswer)
    assert [attempt.error for attempt in answer.attempts] == ["InternalServerError", None]
    await answer.aclose()
    await router.aclose()


def test_callers_with_other_needs_on_several_loops_who_leave_as_they_like_are_all_served(upstream: Upstream) -> None:
    regions = ("eu-west-1", "us-east-1", "eu-west-1")
    router = CallRouter(
        [
            upstream.deployment("smart", "sim", number=number, order=0, region=region, max_parallel_requests=1)
            for number, region in enumerate(regions)
        ],
        settings=RouterSettings(queue=QueuePolicy(max_size=1000, timeout=LONG)),
    )
    outcomes: list[Any] = []

    async def one(text: str, chance: random.Random) -> None:
        needs = chance.choice((EU, US, {}))
        answer = await router.answer(chat(text, stream=True, metadata=needs, priority=chance.randrange(3)))
        assert isinstance(answer, StreamAnswer)
        if chance.random() < 0.5:
            await anext(answer.batches)
        await answer.aclose()

    async def many(seed: int) -> None:
        chance = random.Random(seed)
        tasks = [asyncio.create_task(one(f"{seed}-{number}", chance)) for number in range(40)]
        for task in chance.sample(tasks, 12):
            asyncio.get_running_loop().call_later(chance.random() / 4, task.cancel)
        outcomes.extend(await asyncio.gather(*tasks, return_exceptions=True))
        await router.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(many(seed),)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(outcomes) == 120
    assert {type(outcome) for outcome in outcomes} <= {type(None), asyncio.CancelledError}
    assert len(router.wait_queue) == 0
    assert not any(router.store.view().in_flight.values())
