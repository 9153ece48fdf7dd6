"""How a request asks for reasoning: the hub's `thinking` and `reasoning_effort`, by what the model knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dragoman.dialects.drop_list import DropList
from dragoman.dialects.reasoning import (
    EFFORTS,
    LEAST_BUDGET,
    budget_for_effort,
    effort_for_budget,
    fitted_budget,
    nearest_effort,
    report_without_control,
)
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import ModelFacts

__all__ = ["Reasoning", "fit_thinking", "write_reasoning_request"]

_KINDS = ("enabled", "adaptive")
_KNOWN = frozenset({"type", "budget_tokens", "display"})
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Reasoning:
    thinking: JsonObject | None = None
    effort: str | None = None
    """For `output_config.effort`."""
    asked_by: str = "reasoning_effort"
    """The caller's parameter."""

    @property
    def is_on(self) -> bool:
        return self.thinking is not None and self.thinking.get("type") != "disabled"

    @property
    def has_budget(self) -> bool:
        return self.thinking is not None and self.thinking.get("type") == "enabled"


def write_reasoning_request(request: JsonObject, facts: ModelFacts, drops: DropList) -> Reasoning:
    thinking, effort = request.get("thinking"), request.get("reasoning_effort")
    if not isinstance(effort, str) or effort == "default":
        effort = None
    if isinstance(thinking, dict):
        return _from_thinking(thinking, effort, facts, drops)
    if effort is None:
        return Reasoning()
    if effort == "none":
        return _off("reasoning_effort", facts, drops)
    return _from_effort(effort, facts, drops)


def _from_thinking(thinking: JsonObject, effort: str | None, facts: ModelFacts, drops: DropList) -> Reasoning:
    """Anthropic's own words pass; where the model knows only the other form, they are put into that one."""
    kind, control = thinking.get("type"), facts.reasoning
    if kind == "disabled":
        return _off("thinking", facts, drops)
    if kind not in _KINDS:
        return Reasoning(thinking, None, "thinking")
    if control == "none":
        strength = thinking.get("budget_tokens") is not None or effort is not None
        report_without_control("thinking", facts, drops, off=False, strength=strength)
        return Reasoning()
    if control == "effort":
        drops.unsupported("thinking")
        return Reasoning()
    for key in thinking.keys() - _KNOWN:
        drops.degraded(f"thinking.{key}")
    display = {"display": thinking["display"]} if thinking.get("display") is not None else {}
    strongly = effort if effort in EFFORTS else None
    budget = thinking.get("budget_tokens")
    if control == "adaptive" or (kind == "adaptive" and control != "budget"):
        if kind == "enabled" and budget is not None:
            drops.degraded("thinking.budget_tokens")
            strongly = strongly or (effort_for_budget(budget) if isinstance(budget, int) else None)
        wire = _wire_effort(strongly, facts, drops) if strongly is not None else None
        return Reasoning({"type": "adaptive"} | display, wire, "thinking")
    if kind == "adaptive":
        drops.degraded("thinking.type")
    if not isinstance(budget, int):
        budget = _budget(strongly or "high", facts)
    config: JsonObject = {"type": "enabled", "budget_tokens": budget} | display
    wire = _wire_effort(strongly, facts, drops) if strongly is not None and control is None else None
    return Reasoning(config, wire, "thinking")


def _from_effort(effort: str, facts: ModelFacts, drops: DropList) -> Reasoning:
    if effort not in EFFORTS:
        drops.unsupported("reasoning_effort", f"{effort!r} is not an effort")
        return Reasoning()
    if facts.reasoning == "none":
        report_without_control("reasoning_effort", facts, drops, off=False, strength=True)
        return Reasoning()
    if facts.reasoning == "adaptive":
        return Reasoning({"type": "adaptive"}, _wire_effort(effort, facts, drops))
    if facts.reasoning in ("effort", "level"):
        return Reasoning(None, _wire_effort(effort, facts, drops))
    return Reasoning({"type": "enabled", "budget_tokens": _budget(effort, facts)})


def _off(param: str, facts: ModelFacts, drops: DropList) -> Reasoning:
    if facts.reasoning == "none":
        report_without_control(param, facts, drops, off=True, strength=False)
        return Reasoning()
    if facts.can_disable_reasoning is False:
        drops.unsupported(param, "this model always reasons")
        return Reasoning()
    return Reasoning({"type": "disabled"}, None, param)


def _wire_effort(effort: str, facts: ModelFacts, drops: DropList) -> str:
    """A word that the model takes. OpenAI's `minimal` is no word of Anthropic's."""
    wire = nearest_effort(effort, facts.effort_levels or _EFFORTS)
    if wire != effort:
        drops.degraded("reasoning_effort")
    return wire


def _budget(effort: str, facts: ModelFacts) -> int:
    budget = budget_for_effort(effort) if effort in EFFORTS else LEAST_BUDGET
    return max(LEAST_BUDGET, min(budget, facts.max_budget_tokens or budget))


def fit_thinking(
    reasoning: Reasoning, max_tokens: int, facts: ModelFacts, drops: DropList, named: str | None
) -> tuple[Reasoning, int]:
    """The reasoning and `max_tokens` so that the budget is less than the maximum, as Anthropic demands.

    The caller's maximum (`named` is the caller's name for it) bounds what the answer may cost, so that the budget gives way, and
    where nothing is left for it the model does not reason. A maximum of our own grows with the budget."""
    thinking = reasoning.thinking
    if thinking is None or not reasoning.has_budget or not isinstance(thinking.get("budget_tokens"), int):
        return reasoning, max_tokens
    most = facts.max_output_tokens
    wanted, budget = thinking["budget_tokens"], max(LEAST_BUDGET, thinking["budget_tokens"])
    if named is None and max_tokens <= budget:
        max_tokens += budget
    if most is not None and max_tokens > most > LEAST_BUDGET:
        max_tokens = most
        if named is not None:
            drops.degraded(named)
    fitted = fitted_budget(budget, max_tokens)
    if fitted is None:
        drops.degraded(reasoning.asked_by)
        return Reasoning(None, reasoning.effort, reasoning.asked_by), max_tokens
    if fitted != wanted:
        drops.degraded("thinking.budget_tokens" if reasoning.asked_by == "thinking" else reasoning.asked_by)
    return replace(reasoning, thinking=thinking | {"budget_tokens": fitted}), max_tokens
