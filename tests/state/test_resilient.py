"""Redis frozen, killed, started again and not there at all, while calls go on."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Callable

import pytest

from dragoman.state import Claim, Counter, LimitRefusal, Outage, ResilientStore
from dragoman.state.redis import RedisStore
from dragoman.state.resilient import Policy
from tests.upstreams.redis_server import RedisServer

SLOTS = Counter("parallel")
MINUTE = Counter("requests", 60.0)
LONGEST = 1.0
BACK_WITHIN = 5.0


@contextlib.asynccontextmanager
async def opened(
    server: RedisServer, policy: Policy = "fail_open", refresh: float = 1.0
) -> AsyncIterator[ResilientStore]:
    store = ResilientStore(RedisStore(server.url, refresh=refresh), policy=policy)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def until(condition: Callable[[], bool], seconds: float) -> float:
    """How long it took to come true."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds
        await asyncio.sleep(0.01)
    return time.monotonic() - begin


def where(store: ResilientStore) -> str:
    return store.state.where


async def timed(longest: list[float], store: ResilientStore, name: str) -> LimitRefusal | None:
    begin = time.monotonic()
    refusal = await store.acquire(name, [Claim(SLOTS, 1000), Claim(MINUTE, 100_000)])
    await store.claim_probe(name, 1.0)
    await store.used([SLOTS])
    store.view()
    longest.append(time.monotonic() - begin)
    return refusal


async def calling(store: ResilientStore, longest: list[float], stop: asyncio.Event, name: str) -> int:
    """Calls without end, each with all that may wait; none is refused."""
    for i in itertools.count():
        if stop.is_set():
            return i
        assert await timed(longest, store, f"{name}{i}") is None
        store.observe("one", 100.0)
        store.count("one", "success", 60.0)
        await asyncio.sleep(0.02)
        store.settle(f"{name}{i}")
    raise AssertionError


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_calls_go_on_without_redis_and_share_again_when_it_is_back(
    own_redis_server: RedisServer, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dragoman.state")
    server = own_redis_server
    async with opened(server) as store:
        assert where(store) == "shared"
        stop, longest = asyncio.Event(), [0.0]
        tasks = [asyncio.create_task(calling(store, longest, stop, name)) for name in "abcdefgh"]
        await asyncio.sleep(0.3)
        server.freeze() if how == "frozen" else server.kill()
        await until(lambda: where(store) == "local", 2.0)
        assert store.state.error
        await asyncio.sleep(1.5)
        assert where(store) == "local"
        server.thaw() if how == "frozen" else server.start()
        await until(lambda: where(store) == "shared", BACK_WITHIN)
        await asyncio.sleep(0.3)
        stop.set()
        await asyncio.gather(*tasks)
        assert max(longest) <= LONGEST
        await store.refresh()
        assert await store.used([SLOTS]) == (0,)
        assert where(store) == "shared"
    said = [record.getMessage() for record in caplog.records if record.name == "dragoman.state"]
    assert len(said) == 2
    assert "goes on alone (fail_open)" in said[0]
    assert "answers again" in said[1]


@pytest.mark.parametrize("how", ["frozen", "killed"])
async def test_what_is_known_and_held_is_handed_over(own_redis_server: RedisServer, how: str) -> None:
    server = own_redis_server
    async with opened(server, refresh=0.3) as store, opened(server, refresh=0.3) as other:
        now = store.now()
        store.open_circuit("before", Outage("busy", "RateLimitError", now, now + 600))
        store.open_circuit("back", Outage("busy", "RateLimitError", now, now + 600))
        assert await store.acquire("before", [Claim(SLOTS, 5), Claim(MINUTE, 50, 10)]) is None
        assert await store.acquire("ended", [Claim(SLOTS, 5)]) is None
        await until(lambda: "back" in other.view().outages, 2.0)
        server.freeze() if how == "frozen" else server.kill()
        # Who asks first waits for one timeout; the other finds out by its refresh.
        assert await store.acquire("meanwhile", [Claim(SLOTS, 5), Claim(MINUTE, 50, 20)]) is None
        assert where(store) == "local"
        await until(lambda: other.state.where == "local", 2.0)
        store.open_circuit("meanwhile", Outage("down", "InternalServerError", now, now + 600, 7))
        store.close_circuit("back")
        store.settle("ended")
        assert await store.used([SLOTS, MINUTE]) == (2, 30)
        server.thaw() if how == "frozen" else server.start()
        for one in (store, other):
            await until(lambda one=one: where(one) == "shared", BACK_WITHIN)  # type: ignore[misc]
        await until(lambda: "meanwhile" in other.view().outages, 2.0)
        assert other.view().outages["meanwhile"].failures == 7
        assert "before" in other.view().outages
        if how == "frozen":
            await until(lambda: "back" not in other.view().outages, 2.0)
        slots, requests = await other.used([SLOTS, MINUTE])
        assert slots == 2
        # Redis, frozen, still runs what it was sent when it goes on: an amount may be counted twice then, never lost.
        assert requests in ((30, 50) if how == "frozen" else (30,))
        store.settle("before")
        store.settle("meanwhile", {"requests": 5})
        await store.refresh()
        assert await other.used([SLOTS]) == (0,)


async def test_fail_closed_refuses_until_processes_agree_again(own_redis_server: RedisServer) -> None:
    server = own_redis_server
    async with opened(server, "fail_closed", refresh=0.3) as store:
        claim = Claim(MINUTE, 10)
        assert await store.acquire("one", [claim]) is None
        server.freeze()
        assert await store.acquire("two", [claim]) == LimitRefusal(claim, 0, 1.0, is_unavailable=True)
        assert await store.acquire("no limits, no refusal", []) is None
        server.thaw()
        await until(lambda: where(store) == "shared", BACK_WITHIN)
        assert await store.acquire("three", [claim]) is None


async def test_a_redis_that_is_not_there_yet_is_found(own_redis_server: RedisServer) -> None:
    server = own_redis_server
    server.stop()
    begin = time.monotonic()
    async with opened(server, refresh=0.3) as store:
        assert time.monotonic() - begin < LONGEST
        assert (store.state.where, "onnect" in (store.state.error or "")) == ("local", True)
        for i in range(3):
            assert await store.acquire(str(i), [Claim(SLOTS, 3)]) is None
        assert await store.acquire("3", [Claim(SLOTS, 3)]) is not None
        server.start()
        await until(lambda: where(store) == "shared", BACK_WITHIN)
        assert await store.used([SLOTS]) == (3,)


@contextlib.asynccontextmanager
async def far_away(server: RedisServer, seconds: float) -> AsyncIterator[str]:
    """The address of the same server behind a way that takes so long there and back."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(seconds / 2, writer.write, data)
        await asyncio.sleep(seconds)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.TaskGroup() as ways:
            served.extend((ways.create_task(carry(reader, there[1])), ways.create_task(carry(there[0], writer))))

    served: list[asyncio.Task[None]] = []
    relay = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{relay.sockets[0].getsockname()[1]}"
    finally:
        relay.close()
        await asyncio.gather(*served)


async def test_a_redis_that_is_far_away_is_shared(redis_server: RedisServer) -> None:
    async with far_away(redis_server, 0.1) as url:
        store = ResilientStore(RedisStore(url))
        begin = time.monotonic()
        await store.open()
        assert time.monotonic() - begin < LONGEST
        try:
            await until(lambda: where(store) == "shared", BACK_WITHIN)
            longest: list[float] = []
            assert [await timed(longest, store, f"far {number}") for number in range(3)] == [None] * 3
            assert max(longest) < 3 * LONGEST
        finally:
            await store.close()


async def test_the_end_of_a_process_is_quick_without_redis(own_redis_server: RedisServer) -> None:
    server = own_redis_server
    async with opened(server) as store:
        store.observe("one", 10.0)
        server.freeze()
        begin = time.monotonic()
    assert time.monotonic() - begin < LONGEST
    server.thaw()
