"""Several processes against one limit, and one that is killed while it holds slots."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

from dragoman.state import Claim, RedisStore
from tests.state.contender import LIMIT, PARALLEL, REQUESTS, SLOTS, TTL
from tests.upstreams.redis_server import RedisServer

_ROOT = Path(__file__).parents[2]


@contextlib.asynccontextmanager
async def contenders(count: int, *arguments: str) -> AsyncIterator[list[Process]]:
    """Processes that are ready, and begin all at once."""
    command = [sys.executable, "-m", "tests.state.contender", *arguments]
    processes = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=_ROOT) for _ in range(count)
    ]
    try:
        for process in processes:
            assert await line(process) == b"ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        yield processes
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


async def line(process: Process) -> bytes:
    assert process.stdout is not None
    return await asyncio.wait_for(process.stdout.readline(), 60.0)


@contextlib.asynccontextmanager
async def watching(url: str, prefix: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, prefix=prefix, timeout=20.0, refresh=0.2)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_four_processes_admit_exactly_the_limit(redis_server: RedisServer) -> None:
    prefix = uuid.uuid4().hex
    async with contenders(4, "contend", redis_server.url, prefix) as processes:
        outcomes = [[int(word) for word in (await line(process)).split()] for process in processes]
        for process in processes:
            assert await process.wait() == 0
    assert sum(admitted for admitted, _ in outcomes) == LIMIT
    assert max(highest for _, highest in outcomes) <= SLOTS
    async with watching(redis_server.url, prefix) as store:
        assert await store.used([REQUESTS, PARALLEL]) == (LIMIT, 0)


async def test_the_slots_of_a_killed_process_are_free_within_their_time(redis_server: RedisServer) -> None:
    prefix = uuid.uuid4().hex
    async with (
        watching(redis_server.url, prefix) as store,
        contenders(1, "hold", redis_server.url, prefix) as (process,),
    ):
        assert await line(process) == b"held\n"
        await asyncio.sleep(TTL * 1.2)
        assert await store.used([PARALLEL]) == (SLOTS,), "they are renewed"
        assert store.view().in_flight == {"deployment": SLOTS}
        assert await store.acquire("mine", [Claim(PARALLEL, SLOTS)]) is not None
        process.kill()
        await process.wait()
        killed = time.monotonic()
        while await store.used([PARALLEL]) != (0,) or store.view().in_flight:
            assert time.monotonic() - killed < TTL + 2.0
            await asyncio.sleep(0.05)
        assert await store.acquire("mine", [Claim(PARALLEL, SLOTS)]) is None
