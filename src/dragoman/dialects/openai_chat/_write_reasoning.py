"""How much to reason: hub -> wire, in the form that the target takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dragoman.dialects._reasoning import budget_for_effort, effort_for_budget, nearest_effort
from dragoman.dialects.openai_chat._accent import ReasoningForm
from dragoman.dialects.openai_chat._writing import Writing
from dragoman.types._json import JsonObject

__all__ = ["write_reasoning"]

_EFFORTS = frozenset(("minimal", "low", "medium", "high", "xhigh", "max"))


class _Asked(NamedTuple):
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


def write_reasoning(body: JsonObject, asked: JsonObject, writing: Writing) -> None:
    thinking, effort = asked.get("thinking") or None, asked.get("reasoning_effort")
    if thinking is None and effort is None:
        return
    budget = thinking.get("budget_tokens") if thinking and thinking.get("type") == "enabled" else None
    wanted = _Asked(thinking, effort, budget if isinstance(budget, int) else None)
    drops, facts = writing.drops, writing.target.facts
    form = writing.accent.reasoning
    if (form == "none" or facts.reasoning == "none") and not drops.allowed(wanted.param):
        if not wanted.off and effort != "default":
            drops.unsupported(wanted.param, "it does not reason")
        return
    if form == "thinking" and facts.reasoning == "effort":
        form = "effort"  # Kimi K3 takes words where K2 took a switch: https://platform.kimi.ai/docs/guide/use-thinking-effort
    _FORMS[form](body, wanted, writing)


def _effort(body: JsonObject, wanted: _Asked, writing: Writing) -> None:
    facts, drops = writing.target.facts, writing.drops
    if wanted.off and wanted.thinking:
        # Nobody but a model known for it takes "none", and most models do not reason unless asked.
        if facts.can_disable_reasoning or "none" in facts.effort_levels:
            body["reasoning_effort"] = "none"
        else:
            drops.weakened("thinking")
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
        drops.weakened("reasoning_effort")


def _thinking(body: JsonObject, wanted: _Asked, writing: Writing) -> None:
    if wanted.off and writing.target.facts.can_disable_reasoning is False:
        if wanted.thinking:
            writing.drops.weakened("thinking")
        else:
            writing.drops.unsupported("reasoning_effort", "it always reasons")
        return
    switch = "disabled" if wanted.off else "enabled"
    kept = {key: value for key, value in (wanted.thinking or {}).items() if key not in ("budget_tokens", "display")}
    body["thinking"] = {**kept, "type": switch}
    if wanted.strength in _EFFORTS:
        writing.drops.weakened(wanted.param)


def _thinking_effort(body: JsonObject, wanted: _Asked, writing: Writing) -> None:
    if wanted.thinking or wanted.off:
        _thinking(body, wanted._replace(effort=None, budget=None) if not wanted.off else wanted, writing)
    strength = wanted.strength
    if strength is not None and not wanted.off:
        body["reasoning_effort"] = nearest_effort(strength, writing.target.facts.effort_levels)


def _budget(body: JsonObject, wanted: _Asked, writing: Writing) -> None:
    """Anthropic's words, which its own OpenAI endpoint and Databricks take as they are."""
    if wanted.thinking:
        body["thinking"] = wanted.thinking
    elif wanted.effort in _EFFORTS:
        body["thinking"] = {"type": "enabled", "budget_tokens": max(1024, budget_for_effort(str(wanted.effort)))}
    elif wanted.off:
        body["thinking"] = {"type": "disabled"}


def _openrouter(body: JsonObject, wanted: _Asked, writing: Writing) -> None:
    if wanted.thinking is None:
        body["reasoning_effort"] = wanted.effort
        return
    if wanted.off:
        reasoning: JsonObject = {"enabled": False}
    elif wanted.budget is not None:
        reasoning = {"max_tokens": wanted.budget}
    else:
        reasoning = {"effort": wanted.effort} if wanted.effort else {"enabled": True}
    if wanted.thinking.get("display") == "omitted":
        reasoning["exclude"] = True
    body.setdefault("reasoning", reasoning)


def _enable(body: JsonObject, wanted: _Asked, writing: Writing) -> None:
    body.setdefault("enable_thinking", not wanted.off)
    budget = wanted.budget
    if budget is None and wanted.effort in _EFFORTS:
        budget = budget_for_effort(str(wanted.effort))
    if budget is not None and not wanted.off:
        body.setdefault("thinking_budget", budget)


_FORMS: dict[ReasoningForm, Callable[[JsonObject, _Asked, Writing], None]] = {
    "effort": _effort,
    "none": _effort,
    "thinking": _thinking,
    "thinking_effort": _thinking_effort,
    "budget": _budget,
    "reasoning": _openrouter,
    "enable_thinking": _enable,
}
