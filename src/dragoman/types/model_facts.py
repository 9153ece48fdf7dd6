"""What a codec must know about the model that it writes for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["UNKNOWN_MODEL", "ModelFacts", "ReasoningControl"]

ReasoningControl = Literal["none", "effort", "budget", "adaptive", "level"]
"""How a model's reasoning is requested: not at all, by OpenAI's effort, by a token budget, by Anthropic's adaptive
thinking with an effort, or by Gemini 3's thinking level."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Facts about one model. None means unknown, and unknown is passed on rather than refused."""

    reasoning: ReasoningControl | None = None
    effort_levels: tuple[str, ...] = ()
    """The words that the model takes for its effort or level, weakest first (`none` too); empty means unknown."""
    can_disable_reasoning: bool | None = None
    max_budget_tokens: int | None = None
    max_output_tokens: int | None = None
    json_schema: bool | None = None
    """Whether the model has native structured output by JSON schema."""
    sampling: bool | None = None
    """Whether temperature, top_p and top_k are accepted."""
    prefill: bool | None = None
    """Whether a last assistant message is continued."""
    mid_system: bool | None = None
    """Whether instructions (role `system`) may stand in the middle of the conversation."""
    forced_tools: bool | None = None
    """Whether a tool call can be demanded (`required`, or one tool by name)."""
    forced_tools_reasoning: bool | None = None
    """Whether it can be demanded while the model reasons."""
    reasons_by_default: bool | None = None
    """Whether the model reasons where the request says nothing about it."""
    echo_reasoning: bool = False
    """Whether, while it reasons, it demands the reasoning of earlier turns beside their tool calls."""
    refused: tuple[str, ...] = ()
    """Parameters of Chat Completions that the model refuses."""
    vision: bool | None = None
    tools: bool | None = None
    parallel_tools: bool | None = None
    """Whether it calls several tools at once if allowed."""
    default_effort: str = ""
    """The effort that counts where the request names none; empty: unknown."""
    sampling_efforts: tuple[str, ...] | None = None
    """The efforts at which sampling is accepted, where it depends on them."""
    tool_efforts: tuple[str, ...] | None = None
    """The efforts at which Chat Completions accepts functions, where it depends on them; none at all: only the Responses API
    takes them."""
    reasoning_tag: str = ""
    """The tag (`think`) in which its reasoning stands at the start of the content where a host does not take it out."""
    can: tuple[str, ...] = ()
    """Further abilities, by a name of `ABILITIES`, for which no field stands above."""
    cannot: tuple[str, ...] = ()
    """Those that are known to be missing."""


UNKNOWN_MODEL = ModelFacts()
