"""A ticket settles exactly once, whenever and however often its call is cancelled."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dragoman.errors import RateLimitError
from dragoman.governance import Background, Ticket
from dragoman.routing import Call
from dragoman.types.call_record import CallRecord
from dragoman.types.operations import CHAT


class Reserved:
    """A reservation whose verbs take several turns of the loop, as a database does. It counts them."""

    def __init__(self, error: Exception | None = None, settle_error: Exception | None = None) -> None:
        self.taken = 0
        self.records: list[CallRecord | None] = []
        self._error = error
        self._settle_error = settle_error

    async def take(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        if self._error is not None:
            raise self._error
        self.taken += 1

    async def settle(self, record: CallRecord | None) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        self.records.append(record)
        if self._settle_error is not None:
            raise self._settle_error


def new_call() -> Call:
    return Call(operation=CHAT, model="smart", request={}, request_id="req_1")


@pytest.mark.parametrize("cancellations", [1, 2, 3])
@pytest.mark.parametrize("turn", range(16))
async def test_a_call_that_is_cancelled_at_any_moment_is_settled_once(turn: int, cancellations: int) -> None:
    """`turn`: after so many turns of the loop, from before the ticket is taken to after it is settled."""
    reserved, background, call = Reserved(), Background(), new_call()

    async def serve() -> None:
        async with Ticket(call, reserved, background):
            for _ in range(4):
                await asyncio.sleep(0)

    task = asyncio.create_task(serve())
    for _ in range(turn):
        await asyncio.sleep(0)
    for _ in range(cancellations):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait((task,))
    await background.aclose()
    assert len(reserved.records) == reserved.taken
    assert reserved.taken == (1 if turn else 0), "a task that is cancelled before its first step takes nothing"


async def test_it_settles_by_the_record_of_the_call() -> None:
    reserved, background, call = Reserved(), Background(), new_call()

    async def serve() -> None:
        async with Ticket(call, reserved, background):
            call.record = CallRecord(request_id="req_1", operation="chat", model="smart")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await serve()
    assert reserved.records == [call.record]


async def test_a_call_that_is_refused_is_not_settled() -> None:
    reserved, background = Reserved(RateLimitError("too many")), Background()
    with pytest.raises(RateLimitError):
        async with Ticket(new_call(), reserved, background):
            raise AssertionError("the call was made")
    await background.aclose()
    assert (reserved.taken, reserved.records) == (0, [])


async def test_a_refusal_after_the_caller_has_left_is_not_settled() -> None:
    reserved, background = Reserved(RateLimitError("too many")), Background()

    async def serve() -> None:
        async with Ticket(new_call(), reserved, background):
            raise AssertionError("the call was made")

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    await background.aclose()
    assert (reserved.taken, reserved.records) == (0, [])


async def test_a_settlement_that_fails_is_logged_and_does_not_fail_the_call(caplog: pytest.LogCaptureFixture) -> None:
    reserved, background = Reserved(settle_error=OSError("the disk is full")), Background()
    with caplog.at_level(logging.ERROR, "dragoman.governance"):
        async with Ticket(new_call(), reserved, background):
            pass
    assert len(reserved.records) == 1
    assert "req_1 could not be settled" in caplog.text
