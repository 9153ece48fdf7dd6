"""The store of many processes, on a real Redis or Valkey, alone and as a cluster."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.state import Claim, Counter, Outage, RedisStore, StateStore, StoreUnavailable
from dragoman.state._commands import Command
from dragoman.state._redis_connection import RedisConnection
from tests.state.contract import MINUTE, SLOTS, StoreContract
from tests.state.places import Place, in_redis, resilient
from tests.upstreams.redis_server import RedisServer


class TestRedis(StoreContract):
    @pytest.fixture
    async def place(self, redis_server: RedisServer) -> AsyncIterator[Place]:
        async with in_redis(redis_server.url) as place:
            yield place

    async def test_who_ends_well_has_nothing_in_flight(
        self, place: Place, store: StateStore, other: StateStore
    ) -> None:
        other.began("one")
        await place.meet()
        assert dict(store.view().in_flight) == {"one": 1}
        place.members.remove(other)
        await other.close()
        await store.refresh()
        assert not store.view().in_flight

    async def test_what_is_told_at_the_end_is_heard(self, place: Place, store: StateStore, other: StateStore) -> None:
        assert await other.acquire("a", [Claim(SLOTS, 1)]) is None
        other.settle("a")
        other.count("one", "failure", 60.0)
        place.members.remove(other)
        await other.close()
        await store.refresh()
        assert store.counted("one", 60.0).failures == 1
        assert await store.used([SLOTS]) == (0,)

    async def test_many_changed_keys_are_all_heard_of(self, store: StateStore, other: StateStore) -> None:
        for times in (1, 2, 3):
            for i in range(450):
                store.observe(f"key {i}", 100.0)
            await store.refresh()
            await other.refresh()
            seen = other.view().observed
            assert [round(seen[f"key {i}"].latency.weight(other.now())) for i in range(450)] == [times] * 450

    async def test_a_slot_is_free_for_others_without_a_refresh(self, store: StateStore, other: StateStore) -> None:
        assert await store.acquire("a", [Claim(SLOTS, 1)]) is None
        store.settle("a")
        for _ in range(200):
            if await other.acquire("b", [Claim(SLOTS, 1)]) is None:
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail("the slot is not free after two seconds")


class TestRedisCluster(StoreContract):
    @pytest.fixture
    async def place(self, redis_cluster: RedisServer) -> AsyncIterator[Place]:
        async with in_redis(redis_cluster.url, cluster=True) as place:
            yield place


class TestResilient(StoreContract):
    @pytest.fixture
    async def place(self, redis_server: RedisServer) -> AsyncIterator[Place]:
        async with resilient(redis_server.url) as place:
            yield place


async def test_scripts_that_redis_has_forgotten_are_loaded_again(own_redis_server: RedisServer) -> None:
    async with in_redis(own_redis_server.url) as place:
        store = await place.join()
        for i in range(3):
            own_redis_server.ask(b"SCRIPT FLUSH")
            outcomes = await asyncio.gather(*(store.acquire(f"{i} {j}", [Claim(MINUTE, 1000)]) for j in range(10)))
            assert outcomes == [None] * 10
        assert await store.used([MINUTE]) == (30,)
        assert store.state.where == "shared"


async def test_nothing_is_kept_without_an_end(own_redis_server: RedisServer) -> None:
    store = RedisStore(own_redis_server.url, timeout=10.0, refresh=600.0)
    await store.open()
    for lease in ("a", "b"):
        assert await store.acquire(lease, [Claim(SLOTS, 2), Claim(MINUTE, 2)]) is None
    store.settle("b", {MINUTE.key: 0})
    store.renew("a")
    assert await store.claim_probe("two", 5.0)
    store.began("one")
    store.count("one", "failure", 60.0)
    store.observe("one", 100.0, 10.0, 7)
    store.open_circuit("one", Outage("500", "InternalServerError", store.now(), store.now() + 9))
    await store.refresh()
    keys = own_redis_server.names()
    assert len(keys) == 9
    assert [key for key in keys if own_redis_server.ask(b"TTL " + key).startswith(b":-")] == []
    await store.close()


async def test_what_has_changed_is_forgotten_with_what_it_names(own_redis_server: RedisServer) -> None:
    async with in_redis(own_redis_server.url) as place:
        store = await place.join()
        for name in ("old", "new"):
            for number in range(60):
                store.observe(f"{name} {number}", 100.0)
            await store.refresh()
            for key in own_redis_server.names(b"*seen:*"):
                own_redis_server.ask(b'DEL "' + key + b'"')
        (versions,) = own_redis_server.names(b"*:versions")
        # With each new name three of the oldest are looked at.
        assert int(own_redis_server.ask(b"ZCARD " + versions)[1:]) <= 60


async def test_the_clock_is_that_of_redis(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, prefix=uuid.uuid4().hex, timeout=10.0)
    await store.open()
    seconds = int(redis_server.ask(b"TIME").split(b"\r\n")[2])
    assert abs(store.now() - seconds) < 5.0
    short = Counter("short", 0.2)
    assert await store.acquire("a", [Claim(short, 1)]) is None
    refusal = await store.acquire("b", [Claim(short, 1)])
    assert refusal is not None
    assert refusal.retry_after is not None
    assert 0 < refusal.retry_after <= 0.204
    await asyncio.sleep(0.25)
    assert await store.acquire("b", [Claim(short, 1)]) is None
    await store.close()


async def test_nobody_waits_for_a_store_that_is_closed(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, prefix=uuid.uuid4().hex, timeout=10.0)
    with pytest.raises(StoreUnavailable, match="not opened yet"):
        await store.acquire("a", [Claim(SLOTS, 1)])
    await store.open()
    assert await store.acquire("a", [Claim(SLOTS, 1)]) is None
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.acquire("b", [Claim(SLOTS, 1)])


def test_a_loop_that_ends_first_leaves_nobody_waiting(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.url, prefix=uuid.uuid4().hex, timeout=10.0)

    async def opened() -> None:
        await store.open()
        store.observe("one", 1.0)

    async def later() -> None:
        with pytest.raises(StoreUnavailable):
            await store.acquire("a", [Claim(SLOTS, 1)])
        store.settle("a")
        store.observe("one", 1.0)
        await store.close()

    asyncio.run(opened())
    asyncio.run(later())


async def test_an_error_of_redis_is_not_an_answer(own_redis_server: RedisServer) -> None:
    async with in_redis(own_redis_server.url) as place:
        store = await place.join()
        own_redis_server.ask(b"REPLICAOF 127.0.0.1 1")  # what a failover leaves behind: it may be read, and not written
        with pytest.raises(StoreUnavailable, match="read only"):
            await store.acquire("a", [Claim(SLOTS, 1)])
        assert (store.state.where, "read only" in (store.state.error or "")) == ("local", True)


def test_a_wrong_address_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match="address of Redis"):
        RedisStore("http://127.0.0.1")


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "redis"]:
        monkeypatch.delitem(sys.modules, name)
    ordinary = builtins.__import__

    def without_redis(name: str, *arguments: Any, **named: Any) -> Any:
        if name.split(".")[0] == "redis":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return ordinary(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without_redis)
    with pytest.raises(ConfigError, match=r"pip install '\.\[redis\]'"):
        RedisStore("redis://127.0.0.1")


@pytest.mark.parametrize(
    ("begin", "more"), [(b"$99999999999\r\n", b"x"), (b"*9999999\r\n", b"$5\r\nhello\r\n"), (b"+", b"x"), (b"-", b"x")]
)
async def test_a_reply_without_an_end(begin: bytes, more: bytes) -> None:
    """It is cut off at 32 MB, long before the timeout."""
    sent = 0

    async def spout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(OSError):
            writer.write(begin)
            while True:
                writer.write(more * 10_000)
                sent += 10_000 * len(more)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(spout, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    trips = RedisConnection(url, timeout=60.0, cluster=False)
    try:
        with pytest.raises(Exception, match=r"longer than|Separator"):
            await trips.pipeline([Command("probe", (), ())])
        assert sent < 100 * 2**20
    finally:
        await trips.close()
        server.close()
        await server.wait_closed()
