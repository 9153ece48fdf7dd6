"""Every fault, in every dialect, streamed and whole, with all that a call may have to go on with: what the caller gets, what the
upstreams saw, and what is told."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Any

import pytest

from tests.routing.faults._cell import DIALECTS, Shown, delivered, play
from tests.routing.faults._table import FAULTS, WAYS, Fault, expected
from tests.upstreams.faulty import SAID


def differences(name: str, fault: Fault, way: str, shown: Shown, *, stream: bool) -> dict[str, Any]:
    """What is not as the table has it: (shown, expected)."""
    wanted = expected(fault, WAYS[way], stream=stream)
    error = shown.error
    pairs: dict[str, tuple[Any, Any]] = {
        "attempts": (shown.attempts, wanted.attempts),
        "seen": ({who: times for who, times in shown.seen.items() if times or who in wanted.seen}, wanted.seen),
        "events": (shown.events, wanted.events),
        "error": (error and type(error).__name__, wanted.error),
        "told with": ([(made.deployment, made.error) for made in shown.told_with], wanted.attempts),
        "waits": (len(shown.slept[:1]), len(wanted.slept)),
    }
    for slept, most in zip(shown.slept, wanted.slept, strict=False):
        pairs["wait"] = (most - 0.01 <= slept <= most + 0.01, True)
    if error is None:
        pairs["answer"] = (SAID in shown.answered, True)
    else:
        pairs["status"] = (error.status_code, fault.status)
        pairs["retry_after"] = (error.retry_after, fault.retry_after)
        pairs["message"] = (error.message.startswith("smart ("), True)
        partial = stream and fault.after_content
        pairs["delivered"] = (delivered(name) in shown.answered if partial else shown.answered, partial or "")
    return {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}


_PATIENCE = 20.0


async def _played(name: str, dialect: str, way: str, *, stream: bool, relayed: bool) -> Shown:
    """A cell has once been seen to wait for ever, in a long run and never again alone: where it stands is written down, and it
    is played once more."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await play(name, dialect, WAYS[way], stream=stream, relayed=relayed)
    except TimeoutError:
        print(f"a cell waits: {name}, {dialect}, {way}, {stream=}, {relayed=}", file=sys.stderr)  # noqa: T201
        for task in asyncio.all_tasks():
            task.print_stack(file=sys.stderr)
    async with asyncio.timeout(_PATIENCE):
        return await play(name, dialect, WAYS[way], stream=stream, relayed=relayed)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault(name: str, dialect: str, stream: bool) -> None:
    cells = list(itertools.product(WAYS, (False, True)))
    shown = await asyncio.gather(
        *(_played(name, dialect, way, stream=stream, relayed=relayed) for way, relayed in cells)
    )
    wrong = {
        (way, "relayed" if relayed else "written anew"): found
        for (way, relayed), each in zip(cells, shown, strict=True)
        if (found := differences(name, FAULTS[name], way, each, stream=stream))
    }
    assert not wrong
