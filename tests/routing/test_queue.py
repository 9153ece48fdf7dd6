"""Who waits while all deployments are at their limits: in which order, for how long, and what is told of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dragoman import errors
from dragoman.observe import AttemptEnded, Event, Queued
from dragoman.routing import Answer, Call, CallOptions, CallRouter, RouterSettings, StreamAnswer
from dragoman.routing.settings.options import split_params
from dragoman.routing.settings.queue import QueuePolicy, queue_policy
from dragoman.routing.settings.table import router_settings
from dragoman.types.operations import CHAT
from tests.routing.upstream import Stillness, Upstream, eventually, soon

SLOW = "sim[latency=0.1]"
Make = Callable[..., CallRouter]


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
async def make(told: list[Event]) -> AsyncIterator[Make]:
    made: list[CallRouter] = []

    def router(*deployments: Any, **more: Any) -> CallRouter:
        settings = RouterSettings(**more.pop("settings", {}))
        made.append(CallRouter(deployments, settings=settings, listeners=[told.append], **more))
        return made[-1]

    yield router
    for each in made:
        await each.aclose()


def chat(text: str = "Hello", *, model: str = "smart", stream: bool = False, **options: Any) -> Call:
    priority = options.pop("priority", None)
    metadata = {} if priority is None else {"priority": priority}
    request = {"model": model, "messages": [{"role": "user", "content": text}]}
    more = CallOptions(metadata={**metadata, **options.pop("metadata", {})}, **options)
    return Call(operation=CHAT, model=model, request=request, stream=stream, options=more, request_id=text)


def order(told: list[Event]) -> list[str]:
    """The texts of the calls whose attempts have ended, in their order."""
    return [event.request_id for event in told if isinstance(event, AttemptEnded)]


async def ask(router: CallRouter, call: Call) -> Answer | StreamAnswer:
    return await router.answer(call)


async def lined_up(router: CallRouter, *calls: Call) -> list[asyncio.Task[Answer | StreamAnswer]]:
    """Each begun when the one before it holds its slot, or stands in the line."""
    tasks = []
    for number, call in enumerate(calls):
        tasks.append(asyncio.create_task(ask(router, call)))
        await soon(lambda number=number, router=router: len(router.wait_queue) >= number)  # type: ignore[misc]
        if not number:
            await asyncio.sleep(0.02)  # the first is sent, not lined up
    return tasks


async def test_calls_are_served_one_after_the_other_in_their_order(
    upstream: Upstream, make: Make, told: list[Event]
) -> None:
    router = make(upstream.deployment("smart", SLOW, max_parallel_requests=1))
    tasks = await lined_up(router, *(chat(str(number)) for number in range(5)))
    await asyncio.gather(*tasks)
    assert order(told) == ["0", "1", "2", "3", "4"]
    queued = [event for event in told if isinstance(event, Queued)]
    assert [(event.position, event.served, event.alias) for event in queued] == [
        (number, True, "smart") for number in (1, 2, 3, 4)
    ]
    assert all(later.seconds > 0 for later in queued)
    assert len(router.wait_queue) == 0
    assert not any(router.store.view().in_flight.values())


async def test_better_priority_is_served_first(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(
        upstream.deployment("smart", SLOW, max_parallel_requests=1), settings={"queue": QueuePolicy(default_priority=5)}
    )
    calls = [
        chat("first"),
        chat("batch", priority=9),
        chat("plain"),
        chat("urgent", priority=0),
        chat("plain too"),
        chat("most urgent", priority=-1),
    ]
    await asyncio.gather(*await lined_up(router, *calls))
    assert order(told) == ["first", "most urgent", "urgent", "plain", "plain too", "batch"]


async def test_a_newcomer_passes_nobody_of_its_priority(upstream: Upstream, make: Make, told: list[Event]) -> None:
    """Also in the moment in which a slot is free already, and the waiter not yet awake."""
    router = make(upstream.deployment("smart", SLOW, max_parallel_requests=1))
    first, waiter = await lined_up(router, chat("first"), chat("waiter"))
    newcomers: list[asyncio.Task[Answer | StreamAnswer]] = []
    first.add_done_callback(lambda _: newcomers.append(asyncio.create_task(ask(router, chat("newcomer")))))
    await first
    await soon(lambda: newcomers)
    await asyncio.gather(waiter, *newcomers)
    assert order(told) == ["first", "waiter", "newcomer"]


async def test_who_waits_for_one_deployment_does_not_keep_others_from_another(upstream: Upstream, make: Make) -> None:
    here = upstream.deployment(
        "smart", "sim[latency=0.3]", number=0, order=0, region="eu-west-1", max_parallel_requests=1
    )
    there = upstream.deployment("smart", "sim", number=1, order=0, region="us-east-1", max_parallel_requests=1)
    router = make(here, there)
    eu = {"allowed_model_region": "eu"}
    holder, waiter = await lined_up(router, chat("holder", metadata=eu), chat("waiter", metadata=eu))
    answer = await router.answer(chat("newcomer"))
    assert answer.attempts[-1].deployment == "smart:1"
    assert not waiter.done()
    assert (await waiter).attempts[-1].deployment == "smart:0"
    await holder


async def test_a_stream_holds_its_slot_until_it_has_ended(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(upstream.deployment("smart", "sim", max_parallel_requests=1))
    stream = await router.answer(chat("stream", stream=True))
    assert isinstance(stream, StreamAnswer)
    waiter = asyncio.create_task(ask(router, chat("waiter")))
    await soon(lambda: len(router.wait_queue) == 1)
    assert order(told) == ["stream"]
    await stream.aclose()
    await waiter
    assert order(told) == ["stream", "waiter"]


@pytest.mark.parametrize(
    "patience", [{"options": {"timeout": 0.15}}, {"settings": {"queue": QueuePolicy(timeout=0.15)}}]
)
async def test_nobody_waits_beyond_the_deadline(
    upstream: Upstream, make: Make, patience: dict[str, Any], told: list[Event]
) -> None:
    settings = patience.get("settings", {})
    router = make(upstream.deployment("smart", "sim[latency=0.6]", max_parallel_requests=1), settings=settings)
    first, waiter = await lined_up(router, chat("first"), chat("waiter", **patience.get("options", {})))
    with pytest.raises(errors.RateLimitError) as caught:
        await waiter
    assert (caught.value.status_code, caught.value.code) == (429, "overloaded")
    assert caught.value.retry_after == pytest.approx(1.0, abs=0.1)
    assert not first.done()
    assert [event.served for event in told if isinstance(event, Queued)] == [False]
    await first
    assert order(told) == ["first"]


async def test_what_is_known_to_come_too_late_is_refused_at_once(
    upstream: Upstream, make: Make, told: list[Event]
) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim", rpm=1), clock=still.clock, settings={"queue": QueuePolicy(timeout=10)}
    )
    await router.answer(chat("first"))
    with pytest.raises(errors.RateLimitError) as caught:
        await router.answer(chat("second"))
    assert still.slept == []
    assert 50 < (caught.value.retry_after or 0) < 62
    assert not [event for event in told if isinstance(event, Queued)]


async def test_a_window_that_has_room_again_in_time_is_waited_for(
    upstream: Upstream, make: Make, told: list[Event]
) -> None:
    still = Stillness()
    router = make(upstream.deployment("smart", "sim", rpm=1), clock=still.clock, settings={"longest_wait": 120.0})
    await router.answer(chat("first"))
    await router.answer(chat("second"))
    assert order(told) == ["first", "second"]
    assert 50 < sum(still.slept) < 65


async def test_a_full_line_refuses(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(
        upstream.deployment("smart", SLOW, max_parallel_requests=1),
        settings={"queue": QueuePolicy(max_size=7, models={"smart": {"max_size": 2}})},
    )
    tasks = await lined_up(router, *(chat(str(number)) for number in range(3)))
    with pytest.raises(errors.RateLimitError) as caught:
        await router.answer(chat("too many"))
    assert caught.value.code == "overloaded"
    assert caught.value.retry_after is not None
    await asyncio.gather(*tasks)
    assert order(told) == ["0", "1", "2"]


async def test_nobody_waits_while_a_fallback_stands_ready(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", SLOW, max_parallel_requests=1),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}},
    )
    first = asyncio.create_task(ask(router, chat("first")))
    await soon(lambda: upstream.calls)
    answer = await router.answer(chat("second"))
    assert (answer.fallback, len(router.wait_queue)) == ("backup", 0)
    assert not first.done()
    await first


async def test_a_cancelled_waiter_leaves_and_the_next_one_is_served(
    upstream: Upstream, make: Make, told: list[Event]
) -> None:
    router = make(upstream.deployment("smart", SLOW, max_parallel_requests=1))
    tasks = await lined_up(router, *(chat(str(number)) for number in range(4)))
    tasks[1].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    assert order(told) == ["0", "2", "3"]
    assert len(router.wait_queue) == 0


async def test_a_failed_call_frees_its_slot(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim[latency=0.1;error=400]", max_parallel_requests=1))
    tasks = await lined_up(router, chat("bad"), chat("bad too"))
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in done] == [errors.BadRequestError] * 2
    assert len(upstream.calls) == 2


async def test_a_hundred_callers_share_two_slots_and_nothing_leaks(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim", max_parallel_requests=2), settings={"num_retries": 0})
    tasks = [asyncio.create_task(ask(router, chat(str(number)))) for number in range(100)]
    for task in tasks[50::10]:
        asyncio.get_running_loop().call_later(0.01, task.cancel)
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in done} <= {Answer, asyncio.CancelledError}
    assert sum(isinstance(each, Answer) for each in done) >= 95
    assert len(router.wait_queue) == 0
    assert not any(router.store.view().in_flight.values())
    assert isinstance(await router.answer(chat("after all")), Answer)


def test_callers_of_several_event_loops_stand_in_one_line(upstream: Upstream) -> None:
    router = CallRouter([upstream.deployment("smart", "sim[latency=0.05]", max_parallel_requests=1)])
    done: list[Any] = []

    async def one(number: int) -> None:
        try:
            done.append(await router.answer(chat(str(number))))
        finally:
            await router.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(one(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
        eventually(lambda: len(upstream.calls) + len(router.wait_queue) > 0)
    for thread in threads:
        thread.join(20)
    assert len(done) == 6
    assert len(router.wait_queue) == 0


def test_a_waiter_whose_loop_has_gone_blocks_nobody(upstream: Upstream) -> None:
    router = CallRouter([upstream.deployment("smart", "sim[latency=0.2]", max_parallel_requests=1)])
    gone = asyncio.new_event_loop()

    async def leave_one_waiting() -> list[asyncio.Task[Any]]:
        holder = asyncio.create_task(ask(router, chat("holder")))
        await soon(lambda: upstream.calls)
        waiter = asyncio.create_task(ask(router, chat("lost")))
        await soon(lambda: router.wait_queue)
        await holder_has_gone(holder)
        return [waiter]

    async def holder_has_gone(holder: asyncio.Task[Any]) -> None:
        holder.cancel()
        await asyncio.wait([holder])

    left = gone.run_until_complete(leave_one_waiting())
    assert len(router.wait_queue) == 1
    router.wait_queue._waiters[0]._loop = closed = asyncio.new_event_loop()
    closed.close()

    async def newcomer() -> Any:
        try:
            return await router.answer(chat("newcomer"))
        finally:
            await router.aclose()

    assert isinstance(asyncio.run(newcomer()), Answer)
    for task in left:
        task.cancel()
    gone.run_until_complete(asyncio.wait(left))
    gone.run_until_complete(router.aclose())
    gone.close()
    assert len(router.wait_queue) == 0


def test_how_it_is_written() -> None:
    said = {"max_size": 5, "timeout": 3, "models": {"smart": {"timeout": 1}}}
    settings = router_settings({"queue": said, "default_priority": 4})
    assert settings.queue.of("other") == settings.queue
    assert (settings.queue.max_size, settings.queue.default_priority) == (5, 4)
    own = settings.queue.of("smart")
    assert (own.max_size, own.timeout, own.default_priority) == (5, 1, 4)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"max_size": -1}, "queue.max_size"),
        ({"timeout": 0}, "queue.timeout"),
        ({"size": 1}, "queue.size"),
        ({"models": {"smart": {"max_size": "many"}}}, "queue.models.smart.max_size"),
        ([], "queue"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(wrong: Any, path: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        queue_policy(wrong, "queue")
    assert str(caught.value).startswith(f"{path}: ")


def test_a_call_says_its_priority() -> None:
    assert split_params({"priority": 3, "metadata": {"a": 1}}).options == {"metadata": {"priority": 3, "a": 1}}
    assert [problem.path for problem in split_params({"priority": "high"}).problems] == ["priority"]
