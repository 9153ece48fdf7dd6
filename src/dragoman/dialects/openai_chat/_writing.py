"""What the writers of one request share."""

from __future__ import annotations

from dataclasses import dataclass

from dragoman.dialects._dialect import Target
from dragoman.dialects._parameters import DropList
from dragoman.dialects._tool_names import ToolNames
from dragoman.dialects.openai_chat._accent import Accent

__all__ = ["Writing"]


@dataclass(frozen=True, slots=True)
class Writing:
    target: Target
    accent: Accent
    drops: DropList
    names: ToolNames
