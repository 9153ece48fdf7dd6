"""The record that the writers of one request share, in every dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from dragoman.dialects.codec import Target
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.tool_names import ToolNames

__all__ = ["WriteContext"]

Accent = TypeVar("Accent")


@dataclass(frozen=True, slots=True)
class WriteContext(Generic[Accent]):
    """What every function that writes a part of one request needs to know."""

    target: Target
    accent: Accent
    """How the target's version of the dialect deviates: the dialect's own record (None in a dialect without one)."""
    drops: DropList
    """Collects what is left out or sent with less than its meaning."""
    tool_names: ToolNames
    """The caller's tool names and those on the wire."""
    reasons: bool = False
    """Whether the model will reason: the request says so, or the model does so by default."""
