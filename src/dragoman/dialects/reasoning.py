"""Reasoning effort in words and in tokens: one table, for every dialect that needs the other form. And the reasoning of earlier
turns that only its own vendor takes back.

The budgets are those that users of gateways know (LiteLLM's table).
"""

from __future__ import annotations

from collections.abc import Collection

from dragoman.dialects.drop_list import DropList
from dragoman.types.model_facts import ModelFacts

__all__ = [
    "EFFORTS",
    "LEAST_BUDGET",
    "budget_for_effort",
    "effort_for_budget",
    "fitted_budget",
    "nearest_effort",
    "report_foreign_reasoning",
    "report_without_control",
]

LEAST_BUDGET = 1024
"""Of Anthropic's: https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""
_LEAST_ANSWER = 256
"""Tokens for the answer, without which a budget cut to fit would leave nothing but thoughts."""

_BUDGETS: dict[str, int] = {
    "minimal": 128,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}
EFFORTS: tuple[str, ...] = tuple(_BUDGETS)
"""Weakest first. `none` and `default` are no strengths."""


def budget_for_effort(effort: str) -> int:
    return _BUDGETS[effort]


def effort_for_budget(budget_tokens: int) -> str:
    """Return the weakest effort whose budget holds `budget_tokens`, `max` above all."""
    return next((effort for effort, budget in _BUDGETS.items() if budget >= budget_tokens), "max")


def fitted_budget(budget: int, max_tokens: int) -> int | None:
    """Return the budget within a maximum that holds the answer too: as it is where it fits, else half of the maximum. None where
    no budget fits."""
    if budget < max_tokens:
        return budget
    fitted = max(LEAST_BUDGET, max_tokens // 2)
    return fitted if max_tokens - fitted >= _LEAST_ANSWER else None


def nearest_effort(effort: str, levels: tuple[str, ...]) -> str:
    """Return `effort` where the model knows it, else the nearest that it knows (the stronger of two)."""
    if not levels or effort in levels or effort not in _BUDGETS:
        return effort
    rank = EFFORTS.index(effort)
    ranked = [name for name in levels if name in _BUDGETS]
    if not ranked:
        return effort
    return min(ranked, key=lambda name: (abs(EFFORTS.index(name) - rank), -EFFORTS.index(name)))


def report_without_control(param: str, facts: ModelFacts, drops: DropList, *, off: bool, strength: bool) -> None:
    """Refuse or report `param` for a model whose reasoning cannot be controlled: one that never reasons cannot begin, and one
    that always does cannot stop, nor reason more or less."""
    if facts.can_disable_reasoning is not False:
        if not off:
            drops.unsupported(param, "it does not reason")
    elif off and param != "thinking":
        drops.unsupported(param, "it always reasons")
    elif off or strength:
        drops.degraded(param)


def report_foreign_reasoning(messages: object, vendors: Collection[str | None], drops: DropList) -> None:
    """Report the reasoning of other vendors' models in earlier turns, which is left out: the target takes back only what its own
    vendor signed."""
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and _has_foreign_reasoning(message, vendors):
            drops.degraded("reasoning_content")
            return


def _has_foreign_reasoning(message: dict[str, object], vendors: Collection[str | None]) -> bool:
    blocks = message.get("thinking_blocks")
    if not isinstance(blocks, list) or not blocks:
        return bool(message.get("reasoning_content"))
    return any(
        isinstance(block, dict) and block.get("thinking") and block.get("vendor") not in vendors for block in blocks
    )
