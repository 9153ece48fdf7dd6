"""The bridge for callers without an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from dragoman._sync import iterate, run

WORD = contextvars.ContextVar("WORD", default="unset")


async def double(number: int) -> int:
    await asyncio.sleep(0.001)
    return number * 2


class Source:
    """Counts up, and knows how far it got and whether it was closed."""

    def __init__(self, length: int = 10**9, *, fail_at: int = -1) -> None:
        self.made = 0
        self.closed = threading.Event()
        self._length = length
        self._fail_at = fail_at

    async def items(self) -> AsyncIterator[int]:
        try:
            async with asyncio.timeout(60):  # which must begin and end in one task
                for number in range(self._length):
                    if number == self._fail_at:
                        raise KeyError(number)
                    self.made += 1
                    yield number
        finally:
            await asyncio.sleep(0)
            self.closed.set()


class TestRun:
    def test_gives_the_result(self) -> None:
        assert run(double(4)) == 8

    def test_raises_what_the_coroutine_raises(self) -> None:
        async def fail() -> None:
            raise KeyError("x")

        with pytest.raises(KeyError) as caught:
            run(fail())
        assert any(entry.name == "fail" for entry in caught.traceback)

    def test_an_error_is_not_kept_alive(self) -> None:
        class MarkedError(Exception):
            gone = False

            def __del__(self) -> None:
                type(self).gone = True

        async def fail() -> None:
            raise MarkedError

        def call() -> None:
            with contextlib.suppress(MarkedError):
                run(fail())

        gc.disable()
        try:
            call()
            run(double(1))
            assert MarkedError.gone
        finally:
            gc.enable()

    async def test_works_where_a_loop_runs(self) -> None:
        assert run(double(4)) == 8
        assert list(iterate(Source(5).items())) == [0, 1, 2, 3, 4]

    def test_works_in_fifty_threads_at_once(self) -> None:
        barrier = threading.Barrier(50)

        def call(number: int) -> int:
            barrier.wait()
            return sum(run(double(number)) for _ in range(20)) + sum(iterate(Source(number).items()))

        with ThreadPoolExecutor(50) as threads:
            results = list(threads.map(call, range(50)))
        assert results == [number * 40 + sum(range(number)) for number in range(50)]
        assert sum(thread.name == "dragoman" for thread in threading.enumerate()) == 1

    def test_context_variables_go_along(self) -> None:
        async def read() -> str:
            await asyncio.sleep(0)
            return WORD.get()

        async def words() -> AsyncIterator[str]:
            for _ in range(3):
                yield WORD.get()

        def call(word: str) -> tuple[str, set[str]]:
            WORD.set(word)
            return run(read()), set(iterate(words()))

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(call, "abcd")) == [(word, {word}) for word in "abcd"]
        assert run(read()) == "unset"

    def test_a_call_from_the_bridge_itself_is_refused(self) -> None:
        async def nested() -> int:
            return run(double(1))

        with pytest.raises(RuntimeError, match="would wait for itself"):
            run(nested())

    def test_a_cancelled_coroutine(self) -> None:
        async def give_up() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            run(give_up())


class TestIterate:
    def test_gives_all_items_in_order(self) -> None:
        source = Source(10_000)
        assert list(iterate(source.items())) == list(range(10_000))
        assert source.closed.is_set()

    def test_raises_what_the_source_raises_after_what_came_before(self) -> None:
        items = iterate(Source(fail_at=3).items())
        assert [next(items), next(items), next(items)] == [0, 1, 2]
        with pytest.raises(KeyError):
            next(items)
        with pytest.raises(StopIteration):
            next(items)

    def test_is_not_far_ahead_of_its_reader(self) -> None:
        source = Source()
        with iterate(source.items()) as items:
            next(items)
            time.sleep(0.05)
            assert source.made < 100
            for _ in range(1000):
                next(items)
            time.sleep(0.05)
            assert source.made < 1200

    def test_leaving_a_loop_early_closes_the_source(self) -> None:
        source = Source()
        for number in iterate(source.items()):
            if number == 3:
                break
        assert source.closed.wait(5)

    def test_close_waits_until_the_source_is_closed(self) -> None:
        source = Source()
        items = iterate(source.items())
        next(items)
        items.close()
        assert source.closed.is_set()
        items.close()
        assert list(items) == []

    def test_closing_before_the_first_item_closes_the_source(self) -> None:
        class Opened:
            closed = False

            def __aiter__(self) -> Opened:
                return self

            async def __anext__(self) -> int:
                await asyncio.sleep(3600)
                return 1

            async def aclose(self) -> None:
                self.closed = True

        opened = Opened()
        iterate(opened).close()
        assert opened.closed

    def test_a_source_that_waits_is_cancelled(self) -> None:
        closed = threading.Event()

        async def waiting() -> AsyncIterator[int]:
            try:
                yield 1
                await asyncio.sleep(3600)
            finally:
                closed.set()

        items = iterate(waiting())
        assert next(items) == 1
        items.close()
        assert closed.is_set()


def exit_code(function: object) -> int:
    """Run a function in a forked child."""
    child = os.fork()
    if child == 0:
        try:
            function()  # type: ignore[operator]
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class TestFork:
    def test_the_child_has_a_bridge_of_its_own_and_the_parents_lives_on(self) -> None:
        parent = iterate(Source(200).items())
        assert next(parent) == 0

        def child() -> None:
            assert run(double(4)) == 8
            assert list(iterate(Source(100).items())) == list(range(100))
            with pytest.raises(RuntimeError):
                next(parent)
            parent.close()
            gc.collect()

        assert exit_code(child) == 0
        assert run(double(5)) == 10
        assert list(parent) == list(range(1, 200))

    def test_forking_while_other_threads_call(self) -> None:
        stop = threading.Event()

        def busy() -> None:
            while not stop.is_set():
                run(double(1))

        threads = [threading.Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                assert exit_code(lambda: run(double(4))) == 0
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_multiprocessing(self) -> None:
        assert run(double(1)) == 2
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(run_double, range(4)) == [0, 2, 4, 6]


def run_double(number: int) -> int:
    return run(double(number))


PRELUDE = """
import asyncio, atexit, os, signal, sys, threading, time
from dragoman._sync import iterate, run
assert threading.active_count() == 1
async def one():
    await asyncio.sleep(0.001)
    return 1
async def forever():
    try:
        await asyncio.sleep(3600)
    finally:
        os.write(1, b"closed ")
async def numbers():
    try:
        for number in range(10**9):
            yield number
    finally:
        os.write(1, b"closed ")
"""
PROGRAMS = {
    "a plain script": ("run(one())", ""),
    "an iteration left open": ("items = iterate(numbers()); next(items)", "closed "),
    "an iteration never begun": ("run(one()); items = iterate(numbers())", ""),
    "a thread that waits": (
        "threading.Thread(target=lambda: run(forever()), daemon=True).start(); time.sleep(0.2)",
        "closed ",
    ),
    "a task left behind": (
        "tasks = []\nasync def spawn(): tasks.append(asyncio.create_task(forever())); await asyncio.sleep(0)\nrun(spawn())",
        "closed ",
    ),
    "sys.exit in the middle": ("items = iterate(numbers()); next(items); sys.exit(0)", "closed "),
    "a call at exit": ("atexit.register(lambda: run(one())); run(one())", ""),
    "in a fork that ends normally": (
        "run(one())\nif os.fork() == 0:\n    run(one()); sys.exit(0)\nassert os.wait()[1] == 0; run(one())",
        "",
    ),
    "in a fork with an iteration open": (
        "items = iterate(numbers()); next(items)\nif os.fork() == 0:\n    run(one()); sys.exit(0)\n"
        "assert os.wait()[1] == 0; next(items)",
        "closed ",
    ),
    "uvloop's policy": ("import uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy()); run(one())", ""),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_process_ends_in_silence(name: str) -> None:
    program, printed = PROGRAMS[name]
    process = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", PRELUDE + program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=20,
        check=False,
    )
    assert (process.stdout.decode(), process.returncode) == (printed, 0)


@pytest.mark.parametrize("call", ["run(waiting())", "next(iterate(silent()))"])
def test_an_interrupt_cancels_and_is_raised_again(call: str) -> None:
    program = f"""
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start its background jobs without
async def waiting():
    try:
        os.write(1, b"started ")
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.05)
        os.write(1, b"cancelled ")
async def silent():
    await waiting()
    yield
try:
    {call}
except KeyboardInterrupt:
    os.write(1, b"interrupted ")
assert run(one()) == 1
"""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(8) == b"started "
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert (output, process.returncode) == (b"cancelled interrupted ", 0)


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No task of a test outlives it for long."""
    yield

    async def others() -> int:
        return len(asyncio.all_tasks()) - 1

    until = time.monotonic() + 5
    while run(others()):
        assert time.monotonic() < until
        time.sleep(0.01)
