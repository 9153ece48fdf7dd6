"""One transport for each event loop."""

from __future__ import annotations

import asyncio
import os
import threading

from dragoman.routing import Answer, CallRouter
from dragoman.routing.attempt.transports import Transports
from dragoman.transport import Transport
from tests.routing.test_router import chat
from tests.routing.upstream import Upstream


def test_each_loop_has_its_own_and_closed_loops_are_forgotten() -> None:
    transports = Transports(Transport)

    async def here() -> Transport:
        assert transports.here() is transports.here()
        return transports.here()

    found = [asyncio.run(here()) for _ in range(3)]
    assert len({id(transport) for transport in found}) == 3
    assert len(transports._by_loop) == 1


def test_many_threads_with_a_loop_each_do_not_mix(upstream: Upstream) -> None:
    router = CallRouter([upstream.deployment("smart", "sim")])
    wrong: list[str] = []

    async def many(number: int) -> None:
        for turn in range(4):
            word = f"word-{number}-{turn}"
            answer = await router.answer(chat("smart", request={"messages": [{"role": "user", "content": word}]}))
            assert isinstance(answer, Answer)
            if word not in answer.response["choices"][0]["message"]["content"]:
                wrong.append(word)

    threads = [threading.Thread(target=lambda number=number: asyncio.run(many(number))) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(upstream.calls) == 20


def test_a_forked_child_leaves_its_parents_connections_alone() -> None:
    transports = Transports(Transport)

    async def here() -> Transport:
        return transports.here()

    loops = [asyncio.new_event_loop(), asyncio.new_event_loop()]
    before = loops[0].run_until_complete(here())
    transports._process = os.getpid() + 1
    after = loops[1].run_until_complete(here())
    for loop in loops:
        loop.close()
    assert after is not before
    assert list(transports._inherited[0].values()) == [before]
