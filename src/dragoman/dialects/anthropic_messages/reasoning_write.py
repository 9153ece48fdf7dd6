"""How much to reason: hub -> wire, in the form that the model takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dragoman.dialects.reasoning import (
    EFFORTS,
    LEAST_BUDGET,
    budget_for_effort,
    effort_for_budget,
    fitted_budget,
    nearest_effort,
    report_without_control,
)
from dragoman.dialects.validation import expect, objects_in
from dragoman.dialects.write_context import WriteContext
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import ModelFacts

__all__ = ["DEFAULT_MAX_TOKENS", "Reasoning", "write_reasoning"]

DEFAULT_MAX_TOKENS = 32_000
"""Sent where the caller names no maximum and the model's own is unknown: Anthropic demands one. No model that is newer than
the tables gives less, and a smaller one would cut long answers."""
_BETWEEN_TURNS = ("tool", "function", "system", "developer")
"""Roles that end no turn of the assistant."""
_KINDS = ("enabled", "adaptive")
_KNOWN = frozenset({"type", "budget_tokens", "display"})
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What a body says about reasoning."""

    thinking: JsonObject | None = None
    effort: str | None = None
    """For `output_config.effort`."""
    param: str = "reasoning_effort"
    """The caller's parameter, for reports."""

    @property
    def is_on(self) -> bool:
        return self.thinking is not None and self.thinking.get("type") != "disabled"

    @property
    def has_budget(self) -> bool:
        return self.thinking is not None and self.thinking.get("type") == "enabled"


def write_reasoning(request: JsonObject, own: JsonObject, context: WriteContext[None]) -> tuple[Reasoning, int]:
    """Return what to say about reasoning, and the `max_tokens` that leave room for it. `own` are the parameters that the
    caller gave in Anthropic's words."""
    reasoning = _without_conflict(_requested(request, own, context), request, context)
    param = next((key for key in ("max_completion_tokens", "max_tokens") if key in request), None)
    if param is not None:
        max_tokens = expect(request[param], int, param)
    else:
        max_tokens = context.target.facts.max_output_tokens or DEFAULT_MAX_TOKENS
    return _fit_budget(reasoning, max_tokens, param, context)


def _requested(request: JsonObject, own: JsonObject, context: WriteContext[None]) -> Reasoning:
    config = own.get("output_config")
    thinking, effort = request.get("thinking"), request.get("reasoning_effort")
    if isinstance(config, dict) and config.get("effort") is not None and "thinking" not in request:
        return Reasoning()  # to Anthropic an effort without thinking asks for no thinking
    if not isinstance(effort, str) or effort == "default":
        effort = None
    if isinstance(thinking, dict):
        return _from_thinking(thinking, effort, context)
    if effort is None:
        return Reasoning()
    return _off("reasoning_effort", context) if effort == "none" else _from_effort(effort, context)


def _without_conflict(reasoning: Reasoning, request: JsonObject, context: WriteContext[None]) -> Reasoning:
    """With a budget, the last turn of the assistant must begin with thinking: the one whose tools were just run, and the one
    that is to be continued. A turn of another vendor or of the caller has none (or none that may be sent), so that this one
    request goes without.
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks"""
    if not reasoning.has_budget:
        return reasoning
    messages = reversed(objects_in(request["messages"]))
    last = next((message for message in messages if message.get("role") not in _BETWEEN_TURNS), {})
    if last.get("role") != "assistant":
        return reasoning
    if _begins_with_thinking(last, (None, context.target.vendor)):
        return reasoning
    context.drops.degraded(reasoning.param)
    return Reasoning()


def _begins_with_thinking(message: JsonObject, vendors: tuple[str | None, ...]) -> bool:
    return any(block.get("vendor") in vendors for block in objects_in(message.get("thinking_blocks")))


def _from_thinking(thinking: JsonObject, effort: str | None, context: WriteContext[None]) -> Reasoning:
    """Anthropic's own words pass; where the model knows only the other form, they are put into that one."""
    kind, control = thinking.get("type"), context.target.facts.reasoning
    if kind == "disabled":
        return _off("thinking", context)
    if kind not in _KINDS:
        return Reasoning(thinking, None, "thinking")
    if control in ("none", "effort"):
        return _without_thinking(thinking, effort, context)
    for key in thinking.keys() - _KNOWN:
        context.drops.degraded(f"thinking.{key}")
    adaptive = control == "adaptive" or (kind == "adaptive" and control != "budget")
    write = _adaptive if adaptive else _with_budget
    return write(thinking, effort if effort in EFFORTS else None, context)


def _without_thinking(thinking: JsonObject, effort: str | None, context: WriteContext[None]) -> Reasoning:
    """Report what the model has no use for."""
    facts = context.target.facts
    if facts.reasoning == "effort":
        context.drops.unsupported("thinking")
    else:
        strength = thinking.get("budget_tokens") is not None or effort is not None
        report_without_control("thinking", facts, context.drops, off=False, strength=strength)
    return Reasoning()


def _adaptive(thinking: JsonObject, effort: str | None, context: WriteContext[None]) -> Reasoning:
    """https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking"""
    budget = thinking.get("budget_tokens")
    if thinking["type"] == "enabled" and budget is not None:
        context.drops.degraded("thinking.budget_tokens")
        effort = effort or (effort_for_budget(budget) if isinstance(budget, int) else None)
    wire = _wire_effort(effort, context) if effort is not None else None
    return Reasoning({"type": "adaptive"} | _display(thinking), wire, "thinking")


def _with_budget(thinking: JsonObject, effort: str | None, context: WriteContext[None]) -> Reasoning:
    if thinking["type"] == "adaptive":
        context.drops.degraded("thinking.type")
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        budget = _budget(effort or "high", context.target.facts)
    wire = _wire_effort(effort, context) if effort is not None and context.target.facts.reasoning is None else None
    return Reasoning({"type": "enabled", "budget_tokens": budget} | _display(thinking), wire, "thinking")


def _display(thinking: JsonObject) -> JsonObject:
    return {"display": thinking["display"]} if thinking.get("display") is not None else {}


def _from_effort(effort: str, context: WriteContext[None]) -> Reasoning:
    facts = context.target.facts
    if effort not in EFFORTS:
        context.drops.unsupported("reasoning_effort", f"{effort!r} is not an effort")
        return Reasoning()
    if facts.reasoning == "none":
        report_without_control("reasoning_effort", facts, context.drops, off=False, strength=True)
        return Reasoning()
    if facts.reasoning == "adaptive":
        return Reasoning({"type": "adaptive"}, _wire_effort(effort, context))
    if facts.reasoning in ("effort", "level"):
        return Reasoning(None, _wire_effort(effort, context))
    return Reasoning({"type": "enabled", "budget_tokens": _budget(effort, facts)})


def _off(param: str, context: WriteContext[None]) -> Reasoning:
    facts = context.target.facts
    if facts.reasoning == "none":
        report_without_control(param, facts, context.drops, off=True, strength=False)
        return Reasoning()
    if facts.can_disable_reasoning is False:
        context.drops.unsupported(param, "this model always reasons")
        return Reasoning()
    return Reasoning({"type": "disabled"}, None, param)


def _wire_effort(effort: str, context: WriteContext[None]) -> str:
    """A word that the model takes. OpenAI's `minimal` is no word of Anthropic's."""
    facts = context.target.facts
    wire = nearest_effort(effort, facts.effort_levels or _EFFORTS)
    if wire != effort:
        context.drops.degraded("reasoning_effort")
    return wire


def _budget(effort: str, facts: ModelFacts) -> int:
    budget = budget_for_effort(effort) if effort in EFFORTS else LEAST_BUDGET
    return max(LEAST_BUDGET, min(budget, facts.max_budget_tokens or budget))


def _fit_budget(
    reasoning: Reasoning, max_tokens: int, param: str | None, context: WriteContext[None]
) -> tuple[Reasoning, int]:
    """Return the reasoning and `max_tokens` such that the budget is less than the maximum, as Anthropic demands.

    The caller's maximum (`param` is the caller's name for it) bounds what the answer may cost: the budget gives way, and where
    nothing is left for it, the model does not reason. A maximum of our own grows with the budget."""
    thinking = reasoning.thinking
    if thinking is None or not reasoning.has_budget or not isinstance(thinking.get("budget_tokens"), int):
        return reasoning, max_tokens
    budget = max(LEAST_BUDGET, thinking["budget_tokens"])
    max_tokens = _maximum_for(budget, max_tokens, param, context)
    fitted = fitted_budget(budget, max_tokens)
    if fitted is None:
        context.drops.degraded(reasoning.param)
        return Reasoning(None, reasoning.effort, reasoning.param), max_tokens
    if fitted != thinking["budget_tokens"]:
        context.drops.degraded("thinking.budget_tokens" if reasoning.param == "thinking" else reasoning.param)
    return replace(reasoning, thinking=thinking | {"budget_tokens": fitted}), max_tokens


def _maximum_for(budget: int, max_tokens: int, param: str | None, context: WriteContext[None]) -> int:
    if param is None and max_tokens <= budget:
        max_tokens += budget
    model_maximum = context.target.facts.max_output_tokens
    if model_maximum is None or not max_tokens > model_maximum > LEAST_BUDGET:
        return max_tokens
    if param is not None:
        context.drops.degraded(param)
    return model_maximum
