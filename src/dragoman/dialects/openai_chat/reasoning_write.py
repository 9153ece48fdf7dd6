"""How much to reason: hub -> wire, in the form that the target takes."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.dialects.openai_chat.accent import ChatWriteContext, ReasoningForm
from dragoman.dialects.openai_chat.reasoning_request import ReasoningRequest, read_reasoning
from dragoman.dialects.reasoning import (
    LEAST_BUDGET,
    budget_for_effort,
    fitted_budget,
    nearest_effort,
    report_without_control,
)
from dragoman.types.json import JsonObject

__all__ = ["write_reasoning"]

_EFFORTS = frozenset(("minimal", "low", "medium", "high", "xhigh", "max"))


def write_reasoning(body: JsonObject, request: JsonObject, context: ChatWriteContext) -> None:
    reasoning = read_reasoning(request)
    if reasoning is None:
        return
    drops, facts, form = context.drops, context.target.facts, context.accent.reasoning
    if "none" in (form, facts.reasoning) and not drops.allowed(reasoning.param):
        strength = reasoning.strength not in (None, "default")
        if strength or reasoning.thinking:
            report_without_control(reasoning.param, facts, drops, off=reasoning.off, strength=strength)
        return
    if form == "thinking" and facts.reasoning == "effort":
        form = "effort"  # Kimi K3 takes words where K2 took a switch: https://platform.kimi.ai/docs/guide/use-thinking-effort
    _FORMS[form](body, reasoning, context)


def _cannot_stop(reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    if reasoning.thinking:
        context.drops.degraded("thinking")
    else:
        context.drops.unsupported("reasoning_effort", "it always reasons")


def _effort(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    if reasoning.off:
        _effort_off(body, reasoning, context)
        return
    levels, strength = context.target.facts.effort_levels, reasoning.strength
    if strength is not None:
        body["reasoning_effort"] = nearest_effort(strength, levels)
        if body["reasoning_effort"] != reasoning.effort and not reasoning.thinking:
            context.drops.degraded("reasoning_effort")
    elif reasoning.thinking and reasoning.thinking.get("type") == "enabled":
        body["reasoning_effort"] = nearest_effort("medium", levels)


def _effort_off(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    """Only a model that is known for it takes "none", and most models do not reason unless asked to."""
    facts = context.target.facts
    possible = "none" in facts.effort_levels or bool(facts.can_disable_reasoning)
    if not reasoning.thinking:  # the caller's own "none" may be known where we know nothing
        possible = facts.can_disable_reasoning is not False and "none" in (facts.effort_levels or ("none",))
    if possible:
        body["reasoning_effort"] = "none"
    else:
        _cannot_stop(reasoning, context)


def _thinking(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    if reasoning.off and context.target.facts.can_disable_reasoning is False:
        _cannot_stop(reasoning, context)
        return
    switch = "disabled" if reasoning.off else context.accent.reasoning_switch
    kept = {key: value for key, value in (reasoning.thinking or {}).items() if key not in ("budget_tokens", "display")}
    body["thinking"] = {**kept, "type": switch}
    if reasoning.strength in _EFFORTS:
        context.drops.degraded(reasoning.param)


def _thinking_effort(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    if reasoning.thinking or reasoning.off:
        _thinking(body, reasoning._replace(effort=None, budget=None) if not reasoning.off else reasoning, context)
    strength = reasoning.strength
    if strength is not None and not reasoning.off:
        body["reasoning_effort"] = nearest_effort(strength, context.target.facts.effort_levels)


def _budget(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    """Anthropic's words, which its own OpenAI endpoint and Databricks take as they are. The budget stays within the maximum."""
    thinking = reasoning.thinking
    if thinking is None and reasoning.effort in _EFFORTS:
        budget = max(LEAST_BUDGET, budget_for_effort(str(reasoning.effort)))
        thinking = {"type": "enabled", "budget_tokens": budget}
    elif thinking is None and reasoning.off:
        thinking = {"type": "disabled"}
    if thinking is None:
        return
    requested = thinking.get("budget_tokens")
    if isinstance(requested, int):
        fitted = _within_maximum(requested, body, reasoning, context)
        if fitted is None:
            return
        thinking = thinking | {"budget_tokens": fitted}
    body["thinking"] = thinking


def _within_maximum(
    budget: int, body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext
) -> int | None:
    """Return the budget, cut to fit into the caller's maximum, which bounds what the answer may cost. None where none fits."""
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    fitted = fitted_budget(budget, limit) if isinstance(limit, int) else budget
    if fitted != budget:
        context.drops.degraded(reasoning.param)
    return fitted


def _openrouter(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    """https://openrouter.ai/docs/use-cases/reasoning-tokens"""
    if reasoning.thinking is None:
        body["reasoning_effort"] = reasoning.effort
        return
    if reasoning.off:
        wire: JsonObject = {"enabled": False}
    elif reasoning.budget is not None:
        fitted = _within_maximum(reasoning.budget, body, reasoning, context)
        wire = {"enabled": False} if fitted is None else {"max_tokens": fitted}
    else:
        wire = {"effort": reasoning.effort} if reasoning.effort else {"enabled": True}
    if reasoning.thinking.get("display") == "omitted":
        wire["exclude"] = True
    body.setdefault("reasoning", wire)


def _enable(body: JsonObject, reasoning: ReasoningRequest, context: ChatWriteContext) -> None:
    budget, on = reasoning.budget, not reasoning.off
    if budget is None and reasoning.effort in _EFFORTS:
        budget = budget_for_effort(str(reasoning.effort))
    if on and budget is not None:
        budget = _within_maximum(budget, body, reasoning, context)
        on = budget is not None
    body.setdefault("enable_thinking", on)
    if on and budget is not None:
        body.setdefault("thinking_budget", budget)


_FORMS: dict[ReasoningForm, Callable[[JsonObject, ReasoningRequest, ChatWriteContext], None]] = {
    "effort": _effort,
    "none": _effort,
    "thinking": _thinking,
    "thinking_effort": _thinking_effort,
    "budget": _budget,
    "reasoning": _openrouter,
    "enable_thinking": _enable,
}
