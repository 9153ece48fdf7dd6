"""How much work something is, in steps that are counted and not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["Counted", "grows_linearly", "steps"]


def steps(work: Callable[[], object]) -> int:
    """Lines run and functions called, those of C too."""
    counted = 0

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal counted
        counted += 1
        return line

    def call(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        counted += event == "c_call"

    tracing, profiling = sys.gettrace(), sys.getprofile()
    sys.settrace(line)
    sys.setprofile(call)
    try:
        work()
    finally:
        sys.settrace(tracing)
        sys.setprofile(profiling)
    return counted


def grows_linearly(make: Callable[[int], Callable[[], object]], size: int = 100) -> bool:
    """Whether four times the size is about four times the work (quadratic work is sixteen times)."""
    return steps(make(4 * size)) < 6 * steps(make(size))


class Counted(str):
    """A text that counts how often it is compared, and how many characters are copied to append it to another."""

    __slots__ = ()
    compared = 0
    copied = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __radd__(self, other: str) -> str:
        Counted.copied += len(other)
        return str.__add__(other, self)

    @classmethod
    def reset(cls) -> None:
        cls.compared = cls.copied = 0
