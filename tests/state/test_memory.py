"""The store of one process."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from dragoman.state import Claim, Counter, MemoryStore, Outage, _expiring_dict
from tests.state.contract import SLOTS, StoreContract
from tests.state.places import Clock, Place, in_memory


class TestMemory(StoreContract):
    @pytest.fixture
    async def place(self) -> AsyncIterator[Place]:
        async with in_memory() as place:
            yield place


async def test_what_is_over_is_forgotten() -> None:
    clock = Clock()
    store = MemoryStore(clock)

    async def live(key: str) -> None:
        """One call of a user who never comes back, and is never settled."""
        await store.acquire(key, [Claim(Counter(key, 60.0), 10), Claim(Counter(key), 10)])
        store.observe(key, 100.0, 10.0, 100)
        store.count(key, "success", 60.0)
        store.open_circuit(key, Outage("busy", "RateLimitError", clock(), clock() + 1.0))
        await store.claim_probe(key, 1.0)
        store.began(key)
        store.ended(key)
        clock.advance(30.0)
        store.view()

    tracemalloc.start()
    try:
        for i in range(400):
            await live(f"early {i}")
        early = tracemalloc.get_traced_memory()[0]
        for i in range(800):
            await live(f"late {i}")
        assert tracemalloc.get_traced_memory()[0] < early * 1.3
    finally:
        tracemalloc.stop()


def test_threads_get_no_more_than_there_is() -> None:
    store = MemoryStore()
    admitted: list[str] = []
    begin = threading.Barrier(8)

    async def take(name: str) -> None:
        begin.wait()
        for i in range(100):
            if await store.acquire(f"{name} {i}", [Claim(SLOTS, 50)]) is None:
                admitted.append(name)
                store.began("one")
                store.observe("one", 10.0)
                store.ended("one")

    threads = [threading.Thread(target=lambda i=i: asyncio.run(take(str(i)))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 50
    assert not store.view().in_flight
    assert store.view().observed["one"].latency.weight(store.now()) == pytest.approx(50, rel=0.01)


async def test_keys_that_callers_make_up_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_expiring_dict, "_MAX_ENTRIES", 100)
    store = MemoryStore(Clock())
    for number in range(1000):
        store.observe(f"openai/*:{number}", 10.0)
        store.count(f"openai/*:{number}", "success", 60.0)
    assert len(store.view().observed) == 100
    assert store.counted("openai/*:999", 60.0).successes == 1
    assert sum(store.counted(f"openai/*:{number}", 60.0).successes for number in range(1000)) == 100
    for number in range(150):
        assert await store.acquire(f"lease {number}", [Claim(Counter(f"{number}"), 1)]) is None
    assert await store.acquire("once more", [Claim(Counter("0"), 1)]) is not None
