"""A process that shares a store with others: `python -m tests.state.contender <what> <url> <prefix>`. It talks on stdout."""

from __future__ import annotations

import asyncio
import os
import sys

from dragoman.state import Claim, Counter, RedisStore

__all__ = ["LIMIT", "PARALLEL", "REQUESTS", "SLOTS", "TTL"]

REQUESTS = Counter("requests", 3600.0)
PARALLEL = Counter("parallel")
LIMIT = 300
SLOTS = 30
TTL = 2.0


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def contend(store: RedisStore) -> None:
    """Take all that there is, in many tasks; a few leave early."""
    claims = [Claim(REQUESTS, LIMIT), Claim(PARALLEL, SLOTS)]
    admitted = highest = held = 0

    async def call(name: str) -> None:
        nonlocal admitted, highest, held
        for i in range(20):
            lease = f"{os.getpid()}-{name}-{i}"
            if await store.acquire(lease, claims, TTL) is None:
                admitted += 1
                held += 1
                highest = max(highest, held)
                await asyncio.sleep(0.001)
                held -= 1
                store.settle(lease)

    await asyncio.gather(*(call(str(i)) for i in range(20)))
    say(admitted, highest)


async def hold(store: RedisStore) -> None:
    """Hold slots, renewing them, until somebody ends the process."""
    leases = [f"{os.getpid()}-{i}" for i in range(SLOTS)]
    for lease in leases:
        store.began("deployment")
        assert await store.acquire(lease, [Claim(PARALLEL, SLOTS)], TTL) is None
    await store.refresh()
    say("held")
    while True:
        await asyncio.sleep(TTL / 4)
        for lease in leases:
            store.renew(lease, TTL)


async def main(what: str, url: str, prefix: str) -> None:
    store = RedisStore(url, prefix=prefix, timeout=20.0, refresh=0.2)
    await store.open()
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    try:
        await (contend if what == "contend" else hold)(store)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
