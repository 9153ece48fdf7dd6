"""What the stores cost: `python -m bench.stores`. Redis is measured where this machine has one, on a port of its own."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from dragoman.state import Claim, Counter, MemoryStore, Outage, RedisStore, ResilientStore, StateStore
from tests.upstreams.redis_server import running

_ROUNDS = 7
_CLAIMS = [
    Claim(Counter("requests", 60.0), 10**9),
    Claim(Counter("tokens", 60.0), 10**9, 500),
    Claim(Counter("parallel"), 10**6),
]


def best(measure: Callable[[], float]) -> float:
    """Microseconds: the median of some rounds, as other work shares the machine."""
    return statistics.median(measure() for _ in range(_ROUNDS)) * 1e6


def plain(verb: Callable[[int], object], times: int) -> float:
    def once() -> float:
        begin = time.perf_counter()
        for i in range(times):
            verb(i)
        return (time.perf_counter() - begin) / times

    return best(once)


async def awaited(verb: Callable[[int], Awaitable[object]], times: int) -> float:
    taken = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        for i in range(times):
            await verb(i)
        taken.append((time.perf_counter() - begin) / times)
    return statistics.median(taken) * 1e6


def line(what: str, microseconds: float) -> None:
    print(f"{what:<66}{microseconds:>10.1f} us")


async def acquiring(store: StateStore, name: str, claims: list[Claim], times: int) -> None:
    number = iter(range(10**9))

    async def call(_: int) -> None:
        lease = str(next(number))
        await store.acquire(lease, claims)
        store.settle(lease, {"tokens": 400})

    line(f"{name}: acquire and settle, {len(claims)} claims, one after the other", await awaited(call, times))

    async def many(_: int) -> None:
        await asyncio.gather(*(call(0) for _ in range(100)))

    line(f"{name}: acquire and settle, {len(claims)} claims, 100 at once, each", await awaited(many, times // 50) / 100)


def after_a_call(store: StateStore, name: str) -> None:
    def call(i: int) -> None:
        key = f"deployment-{i % 100}"
        store.began(key)
        store.ended(key)
        store.observe(key, 100.0 + i % 50, 10.0 + i % 7, 100)
        store.count(key, "success", 60.0)

    line(f"{name}: began, ended, observe, count", plain(call, 2000))


async def telling(store: StateStore) -> None:
    """What a second of 1,000 calls to 100 deployments is to the others."""
    taken = []
    for _ in range(_ROUNDS):
        for i in range(1000):
            store.observe(f"deployment-{i % 100}", 100.0 + i % 50, 10.0 + i % 7, 100)
            store.count(f"deployment-{i % 100}", "success", 60.0)
        begin = time.perf_counter()
        await store.refresh()
        taken.append(time.perf_counter() - begin)
    line("redis: telling of 1,000 calls of 100 keys, and hearing of 100 keys", statistics.median(taken) * 1e6)


def viewing(store: StateStore, name: str, keys: int) -> None:
    """What a strategy reads, of all keys."""
    names = [f"deployment-{i}" for i in range(keys)]
    counters = [Counter(name, 60.0) for name in names]
    store.watch(counters)
    for i, key in enumerate(names):
        store.began(key)
        store.observe(key, 100.0 + i, 10.0 + i, 100)
    now = store.now()
    for key in names[::10]:
        store.open_circuit(key, Outage("busy", "RateLimitError", now, now + 600))

    def out_and_in_flight(_: int) -> None:
        view = store.view()
        outages, in_flight = view.outages, view.in_flight
        min((in_flight.get(key, 0), key) for key in names if key not in outages)

    def percentiles(_: int) -> None:
        observed = store.view().observed
        for key in names:
            observed[key].latency.p95  # noqa: B018

    line(f"{name}: view()", plain(lambda _: store.view(), 2000))
    line(f"{name}: view() and the least busy that is not out, of {keys}", plain(out_and_in_flight, 500))
    line(f"{name}: view() and the p95 of each, of {keys}", plain(percentiles, 500))
    store.watch([])


async def main() -> None:
    memory = MemoryStore()
    await acquiring(memory, "memory", _CLAIMS[:1], 2000)
    await acquiring(memory, "memory", _CLAIMS, 2000)
    after_a_call(memory, "memory")
    for keys in (100, 1000):
        viewing(MemoryStore(), "memory", keys)
    with running() as server:
        if server is None:
            print("no redis-server here")
            return
        shared = RedisStore(server.url, timeout=5.0)
        store = ResilientStore(shared, timeout=5.0)
        await store.open()
        await acquiring(store, "redis", _CLAIMS[:1], 500)
        await acquiring(store, "redis", _CLAIMS, 500)
        after_a_call(store, "redis")
        await telling(store)
        for keys in (100, 1000):
            viewing(store, "redis", keys)
            for _ in range(keys // 50):
                await store.refresh()
            line(
                f"redis: a refresh, {keys} keys known and none of them changed",
                await awaited(lambda _: store.refresh(), 5),
            )
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
