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


def write_reasoning(body: JsonObject, asked: JsonObject, context: ChatWriteContext) -> None:
    wanted = read_reasoning(asked)
    if wanted is None:
        return
    drops, facts = context.drops, context.target.facts
    form = context.accent.reasoning
    if (form == "none" or facts.reasoning == "none") and not drops.allowed(wanted.param):
        strength = wanted.strength not in (None, "default")
        if strength or wanted.thinking:
            report_without_control(wanted.param, facts, drops, off=wanted.off, strength=strength)
        return
    if form == "thinking" and facts.reasoning == "effort":
        form = "effort"  # Kimi K3 takes words where K2 took a switch: https://platform.kimi.ai/docs/guide/use-thinking-effort
    _FORMS[form](body, wanted, context)


def _cannot_stop(wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    if wanted.thinking:
        context.drops.degraded("thinking")
    else:
        context.drops.unsupported("reasoning_effort", "it always reasons")


def _effort(body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    facts, drops = context.target.facts, context.drops
    if wanted.off and wanted.thinking:
        # Nobody but a model known for it takes "none", and most models do not reason unless asked.
        if facts.can_disable_reasoning or "none" in facts.effort_levels:
            body["reasoning_effort"] = "none"
        else:
            drops.degraded("thinking")
        return
    if wanted.off and (facts.can_disable_reasoning is False or "none" not in (facts.effort_levels or ("none",))):
        drops.unsupported("reasoning_effort", "it always reasons")
        return
    strength = wanted.strength
    if strength is None:
        if wanted.thinking and wanted.thinking.get("type") == "enabled":
            body["reasoning_effort"] = nearest_effort("medium", facts.effort_levels)
        return
    body["reasoning_effort"] = nearest_effort(strength, facts.effort_levels)
    if body["reasoning_effort"] != wanted.effort and not wanted.thinking:
        drops.degraded("reasoning_effort")


def _thinking(body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    if wanted.off and context.target.facts.can_disable_reasoning is False:
        _cannot_stop(wanted, context)
        return
    switch = "disabled" if wanted.off else context.accent.reasoning_switch
    kept = {key: value for key, value in (wanted.thinking or {}).items() if key not in ("budget_tokens", "display")}
    body["thinking"] = {**kept, "type": switch}
    if wanted.strength in _EFFORTS:
        context.drops.degraded(wanted.param)


def _thinking_effort(body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    if wanted.thinking or wanted.off:
        _thinking(body, wanted._replace(effort=None, budget=None) if not wanted.off else wanted, context)
    strength = wanted.strength
    if strength is not None and not wanted.off:
        body["reasoning_effort"] = nearest_effort(strength, context.target.facts.effort_levels)


def _budget(body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    """Anthropic's words, which its own OpenAI endpoint and Databricks take as they are. The budget stays within the maximum."""
    thinking = wanted.thinking
    if thinking is None and wanted.effort in _EFFORTS:
        budget = max(LEAST_BUDGET, budget_for_effort(str(wanted.effort)))
        thinking = {"type": "enabled", "budget_tokens": budget}
    elif thinking is None and wanted.off:
        thinking = {"type": "disabled"}
    if thinking is None:
        return
    given = thinking.get("budget_tokens")
    if isinstance(given, int):
        fitted = _within_maximum(given, body, wanted, context)
        if fitted is None:
            return
        thinking = thinking | {"budget_tokens": fitted}
    body["thinking"] = thinking


def _within_maximum(budget: int, body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> int | None:
    """The budget, cut to fit into the caller's maximum: it bounds what the answer may cost. None where none fits."""
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    fitted = fitted_budget(budget, limit) if isinstance(limit, int) else budget
    if fitted != budget:
        context.drops.degraded(wanted.param)
    return fitted


def _openrouter(body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    if wanted.thinking is None:
        body["reasoning_effort"] = wanted.effort
        return
    if wanted.off:
        reasoning: JsonObject = {"enabled": False}
    elif wanted.budget is not None:
        fitted = _within_maximum(wanted.budget, body, wanted, context)
        reasoning = {"enabled": False} if fitted is None else {"max_tokens": fitted}
    else:
        reasoning = {"effort": wanted.effort} if wanted.effort else {"enabled": True}
    if wanted.thinking.get("display") == "omitted":
        reasoning["exclude"] = True
    body.setdefault("reasoning", reasoning)


def _enable(body: JsonObject, wanted: ReasoningRequest, context: ChatWriteContext) -> None:
    budget, on = wanted.budget, not wanted.off
    if budget is None and wanted.effort in _EFFORTS:
        budget = budget_for_effort(str(wanted.effort))
    if on and budget is not None:
        budget = _within_maximum(budget, body, wanted, context)
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
