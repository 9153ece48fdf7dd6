"""What the writers of one request share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dragoman.dialects.dialect import Target
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.openai_chat.accent import ChatAccent
from dragoman.dialects.tool_names import ToolNames

__all__ = ["NEUTRAL", "Writing"]

NEUTRAL: Mapping[str, Any] = MappingProxyType(
    {
        "n": 1,
        "temperature": 1,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "logit_bias": {},
        "logprobs": False,
        "top_logprobs": 0,
        "store": False,
        "modalities": ["text"],
        "parallel_tool_calls": True,
    }
)
"""Values that say what would happen anyway: left out for a target that does not know the parameter, and nothing is lost."""


@dataclass(frozen=True, slots=True)
class Writing:
    target: Target
    accent: ChatAccent
    drops: DropList
    names: ToolNames
    reasons: bool = False
    """Whether the model will reason: it was asked to, or does so of itself."""
