"""Reasoning effort in words and in tokens: one table, for every dialect that needs the other form.

The budgets are those that users of gateways know (LiteLLM's table).
"""

from __future__ import annotations

__all__ = ["EFFORTS", "budget_for_effort", "effort_for_budget", "nearest_effort"]

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
    """The weakest effort whose budget holds `budget_tokens`, `max` above all."""
    return next((effort for effort, budget in _BUDGETS.items() if budget >= budget_tokens), "max")


def nearest_effort(effort: str, known: tuple[str, ...]) -> str:
    """`effort` itself where the model knows it, else the nearest that it knows (the stronger of two)."""
    if not known or effort in known or effort not in _BUDGETS:
        return effort
    wanted = EFFORTS.index(effort)
    ranked = [name for name in known if name in _BUDGETS]
    if not ranked:
        return effort
    return min(ranked, key=lambda name: (abs(EFFORTS.index(name) - wanted), -EFFORTS.index(name)))
