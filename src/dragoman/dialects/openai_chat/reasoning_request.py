"""What a request says about reasoning, and whether the model will reason: it decides what else the request may hold."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.dialects.openai_chat.tools_write import can_force_reasoning, demands_call
from dragoman.dialects.reasoning import effort_for_budget
from dragoman.types.json import JsonObject

__all__ = ["ReasoningRequest", "read_reasoning", "settle_reasoning"]


class ReasoningRequest(NamedTuple):
    """`thinking` and `reasoning_effort`, read together."""

    thinking: JsonObject | None
    effort: str | None
    budget: int | None

    @property
    def off(self) -> bool:
        return self.thinking.get("type") == "disabled" if self.thinking else self.effort == "none"

    @property
    def strength(self) -> str | None:
        """In OpenAI's words, also where only a budget was given."""
        if self.off:
            return "none"
        if self.effort is None and self.budget is not None:
            return effort_for_budget(self.budget)
        return self.effort

    @property
    def param(self) -> str:
        return "thinking" if self.thinking else "reasoning_effort"


def read_reasoning(asked: JsonObject) -> ReasoningRequest | None:
    """What the request says; None where it says nothing."""
    thinking, effort = asked.get("thinking") or None, asked.get("reasoning_effort")
    if thinking is None and effort is None:
        return None
    budget = thinking.get("budget_tokens") if thinking and thinking.get("type") == "enabled" else None
    return ReasoningRequest(thinking, effort, budget if isinstance(budget, int) else None)


def settle_reasoning(asked: JsonObject, context: ChatWriteContext) -> tuple[ChatWriteContext, JsonObject]:
    """Note whether the model will reason. Where it would only do so of itself and may not beside a demanded call, it is told
    not to, and that is reported; where the request asks for both, the writer of the tools refuses."""
    context = replace(context, reasons=_reasons(asked, context))
    conflict = context.reasons and asked.get("tools") and demands_call(asked.get("tool_choice"))
    if not conflict or can_force_reasoning(context) or not _only_by_default(asked, context):
        return context, asked
    context.drops.degraded("thinking")
    return replace(context, reasons=False), {**asked, "thinking": {"type": "disabled"}}


def _reasons(asked: JsonObject, context: ChatWriteContext) -> bool:
    facts, wanted = context.target.facts, read_reasoning(asked)
    if facts.can_disable_reasoning is False:
        return True
    switch = asked.get("enable_thinking")  # Qwen's own word, which passes
    if isinstance(switch, bool):
        return switch
    if wanted is None or wanted.strength == "default":
        return facts.reasons_by_default is True
    return not wanted.off and facts.reasoning != "none" and context.accent.reasoning != "none"


def _only_by_default(asked: JsonObject, context: ChatWriteContext) -> bool:
    """Whether nobody asked for the reasoning, and it can be switched off."""
    said = asked.get("enable_thinking") is not None or read_reasoning(asked) is not None
    return not said and context.target.facts.can_disable_reasoning is True
