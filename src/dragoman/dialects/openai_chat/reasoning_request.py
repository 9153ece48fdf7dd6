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


def read_reasoning(request: JsonObject) -> ReasoningRequest | None:
    """Return what the request says; None where it says nothing."""
    thinking, effort = request.get("thinking") or None, request.get("reasoning_effort")
    if thinking is None and effort is None:
        return None
    budget = thinking.get("budget_tokens") if thinking and thinking.get("type") == "enabled" else None
    return ReasoningRequest(thinking, effort, budget if isinstance(budget, int) else None)


def settle_reasoning(request: JsonObject, context: ChatWriteContext) -> tuple[ChatWriteContext, JsonObject]:
    """Note whether the model will reason. Where it would do so by default only, and may not beside a demanded call, it is told
    not to, and that is reported; where the request asks for both, the writer of the tools refuses."""
    context = replace(context, reasons=_reasons(request, context))
    conflict = context.reasons and request.get("tools") and demands_call(request.get("tool_choice"))
    if not conflict or can_force_reasoning(context) or not _only_by_default(request, context):
        return context, request
    context.drops.degraded("thinking")
    return replace(context, reasons=False), {**request, "thinking": {"type": "disabled"}}


def _reasons(request: JsonObject, context: ChatWriteContext) -> bool:
    facts, reasoning = context.target.facts, read_reasoning(request)
    if facts.can_disable_reasoning is False:
        return True
    switch = request.get("enable_thinking")  # Qwen's own word, which passes
    if isinstance(switch, bool):
        return switch
    if reasoning is None or reasoning.strength == "default":
        return facts.reasons_by_default is True
    return not reasoning.off and facts.reasoning != "none" and context.accent.reasoning != "none"


def _only_by_default(request: JsonObject, context: ChatWriteContext) -> bool:
    """Whether the request does not mention reasoning, and the model's own can be switched off."""
    explicit = request.get("enable_thinking") is not None or read_reasoning(request) is not None
    return not explicit and context.target.facts.can_disable_reasoning is True
