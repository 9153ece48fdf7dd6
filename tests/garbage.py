"""What only the garbage collector would free.

A failure whose traceback names the frame that keeps the failure is a circle, and what that frame holds, be it an event of 30 MB,
stays until the collector comes by."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, TracebackType
from typing import Any

import dragoman

__all__ = ["collected", "nothing_stays", "ours"]

_OUR_FILES = str(Path(dragoman.__file__).parent)
_FRAMES: dict[type, str] = {
    TracebackType: "tb_frame",
    CoroutineType: "cr_frame",
    GeneratorType: "gi_frame",
    AsyncGeneratorType: "ag_frame",
}
"""Type -> the attribute with its frame."""


@contextlib.contextmanager
def collected() -> Iterator[list[Any]]:
    """The list is filled when this is left: with what became garbage meanwhile and was not freed without the collector."""
    found: list[Any] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def ours(found: list[Any]) -> list[str]:
    """Those that belong to a call: errors, frames and records of ours."""
    return [repr(item)[:300] for item in found if type(item).__module__.startswith("dragoman") or _runs_in_us(item)]


def _runs_in_us(item: Any) -> bool:
    frame = item if isinstance(item, FrameType) else getattr(item, _FRAMES.get(type(item), ""), None)
    return frame is not None and frame.f_code.co_filename.startswith(_OUR_FILES)


async def nothing_stays(once: Callable[[], Awaitable[None]]) -> None:
    """Assert that nothing of ours that `once` makes waits for the collector."""
    await once()  # what is made once and kept (imports, pools) is made here
    await asyncio.sleep(0.01)
    with collected() as found:
        await once()
        for _ in range(5):
            await asyncio.sleep(0)
    assert ours(found) == []
