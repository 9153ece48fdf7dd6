"""Routers that share their state through a real Redis, and what becomes of calls when it freezes or goes."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from typing import Any

import pytest

from dragoman import errors
from dragoman.routing import CallRouter, RouterSettings
from dragoman.routing.selection import Choice
from dragoman.routing.strategies import latency_based
from dragoman.state import Counter, MemoryStore
from dragoman.state.redis_place import RedisPlace
from tests.routing.test_health import chat, failure
from tests.routing.upstream import Stillness, Upstream, soon
from tests.state.conftest import own_redis_server, redis_server
from tests.upstreams.redis_server import RedisServer

__all__ = ["own_redis_server", "redis_server"]


def router(server: RedisServer, prefix: str, *deployments: Any, **more: Any) -> CallRouter:
    place = RedisPlace(url=server.url, prefix=prefix, **more.pop("redis", {}))
    return CallRouter(deployments, settings=RouterSettings(redis=place, **more))


def where(one: CallRouter) -> str:
    """Of its only loop, asked from any thread."""
    return next(iter(one.store._by_loop.values())).state.where  # type: ignore[attr-defined, no-any-return]


async def test_two_routers_admit_the_limit_together(upstream: Upstream, redis_server: RedisServer) -> None:
    prefix = uuid.uuid4().hex
    deployment = upstream.deployment("smart", "sim", rpm=15)
    routers = [router(redis_server, prefix, deployment, num_retries=0, longest_wait=0.0) for _ in range(2)]
    try:
        for one in routers:
            await one.store.open()
        await soon(lambda: all(where(one) == "shared" for one in routers))
        calls = [one.answer(chat("smart")) for one in routers for _ in range(20)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, BaseException)]
        assert len(answers) - len(refused) == 15 == len(upstream.calls)
        assert all(isinstance(error, errors.RateLimitError) and error.retry_after for error in refused)
        assert await routers[1].store.used([Counter("smart:0:rpm", 60.0)]) == (15,)
    finally:
        for one in routers:
            await one.aclose()


async def test_what_was_observed_is_as_old_as_the_shared_clock_says(upstream: Upstream) -> None:
    ahead = [3600.0]
    store = MemoryStore(lambda: time.time() + ahead[0])
    deployments = [upstream.deployment("smart", "sim", number=number, order=0) for number in range(2)]
    store.observe("smart:1", 90.0, 9.0, 10)
    ahead[0] += 400.0
    store.observe("smart:0", 10.0, 1.0, 10)
    settings = RouterSettings(strategy=latency_based)
    one = CallRouter(deployments, settings=settings, store=store, clock=Stillness(chance=0.0).clock)
    asked = one.current_plan.resolve(chat("smart"))
    choice = asked.group.choose(asked, store.view())
    assert isinstance(choice, Choice)
    assert (choice.member.deployment.id, "little is known of it now" in choice.why) == ("smart:1", True)
    await one.aclose()


async def test_a_cooldown_and_its_probe_are_everybodys(upstream: Upstream, redis_server: RedisServer) -> None:
    prefix = uuid.uuid4().hex
    one = upstream.deployment("smart", "sim", number=1, allowed_fails=0, cooldown_time=0.3)
    two = upstream.deployment("smart", "sim", number=2)
    first, second = (router(redis_server, prefix, one, two) for _ in range(2))
    try:
        await asyncio.gather(first.answer(chat("smart")), second.answer(chat("smart")))
        first.health.record_failure(first._index.groups()["smart"].members[0], failure(500))
        await first.store.refresh()
        await second.store.refresh()
        answer = await second.answer(chat("smart"))
        assert answer.attempts[-1].deployment == "smart:2"
        assert answer.attempts[-1].passed_over == (("smart:1", "out: 500 InternalServerError"),)
        await soon(lambda: not first.store.state.error and not _is_out(second) and not _is_out(first))
        assert await first.health.may_probe(("smart:1",))
        assert not await second.health.may_probe(("smart:1",))
        first.health.release_probes(("smart:1",))
        await first.store.refresh()
        assert await second.health.may_probe(("smart:1",))
    finally:
        await first.aclose()
        await second.aclose()


def _is_out(one: CallRouter) -> bool:
    return "smart:1" in next(iter(one.store._by_loop.values())).view().outages  # type: ignore[attr-defined]


def test_loops_of_one_router_share_too(upstream: Upstream, redis_server: RedisServer) -> None:
    shared = router(
        redis_server,
        uuid.uuid4().hex,
        upstream.deployment("smart", "sim", rpm=10),
        num_retries=0,
        longest_wait=0.0,
    )
    admitted: list[int] = []

    async def calls() -> None:
        answers = await asyncio.gather(*(shared.answer(chat("smart")) for _ in range(8)), return_exceptions=True)
        admitted.append(sum(not isinstance(answer, BaseException) for answer in answers))
        await shared.aclose()

    threads = [threading.Thread(target=lambda: asyncio.run(calls())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 10
    assert shared.store._by_loop == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_calls_go_on_without_redis_and_share_again(
    upstream: Upstream, own_redis_server: RedisServer, how: str
) -> None:
    deployment = upstream.deployment("smart", "sim", rpm=1000, max_parallel_requests=50)
    one = router(own_redis_server, uuid.uuid4().hex, deployment)
    try:
        await one.answer(chat("smart"))
        assert where(one) == "shared"
        own_redis_server.freeze() if how == "frozen" else own_redis_server.kill()
        try:
            for _ in range(5):
                began = time.monotonic()
                await one.answer(chat("smart"))
                assert time.monotonic() - began < 1.0
            assert where(one) == "local"
        finally:
            own_redis_server.thaw() if how == "frozen" else own_redis_server.start()
        back = time.monotonic()
        await soon(lambda: where(one) == "shared", 10.0)
        assert time.monotonic() - back < 5.0
        await one.answer(chat("smart"))
        assert await one.store.used([Counter("smart:0:parallel")]) == (0,)
    finally:
        await one.aclose()


async def test_without_redis_from_the_start(upstream: Upstream, own_redis_server: RedisServer) -> None:
    own_redis_server.kill()
    deployment = upstream.deployment("smart", "sim", rpm=1000)
    opened = router(own_redis_server, "x", deployment)
    closed = router(own_redis_server, "x", deployment, redis={"policy": "fail_closed"})
    try:
        assert (await opened.answer(chat("smart"))).attempts[-1].error is None
        with pytest.raises(errors.ServiceUnavailableError, match="does not answer") as caught:
            await closed.answer(chat("smart"))
        assert caught.value.retry_after
    finally:
        await opened.aclose()
        await closed.aclose()


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("stream", [False, True])
async def test_fail_closed_refuses_without_a_wait(
    upstream: Upstream, own_redis_server: RedisServer, slots: bool, stream: bool
) -> None:
    """Also where it would be worth waiting for a limit: for how long Redis is away nobody knows."""
    limits: dict[str, Any] = {"max_parallel_requests": 3} if slots else {"rpm": 1000}
    still = Stillness()
    place = RedisPlace(url=own_redis_server.url, prefix=uuid.uuid4().hex, policy="fail_closed")
    one = CallRouter(
        [upstream.deployment("smart", "sim", **limits)],
        settings=RouterSettings(redis=place, timeout=30.0),
        clock=still.clock,
    )
    try:
        await one.store.open()
        await soon(lambda: where(one) == "shared")
        own_redis_server.kill()
        for _ in range(3):
            with pytest.raises(errors.ServiceUnavailableError, match="does not answer") as caught:
                await one.answer(chat("smart", stream=stream))
            assert caught.value.retry_after == pytest.approx(1.0, abs=0.2)
        assert not still.slept
        assert not upstream.calls
    finally:
        await one.aclose()


async def test_fail_closed_asks_a_fallback_without_limits(upstream: Upstream, own_redis_server: RedisServer) -> None:
    own_redis_server.kill()
    deployments = [upstream.deployment("smart", "sim", rpm=1000), upstream.deployment("backup", "sim")]
    fallbacks = {"smart": ("backup",)}
    one = router(own_redis_server, "x", *deployments, redis={"policy": "fail_closed"}, fallbacks=fallbacks)
    try:
        assert (await one.answer(chat("smart"))).attempts[-1].deployment == "backup:0"
    finally:
        await one.aclose()
