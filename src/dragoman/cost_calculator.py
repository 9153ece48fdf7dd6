"""The path at which LiteLLM's users import these names."""

from __future__ import annotations

from dragoman.sdk.prices import completion_cost, cost_per_token, response_cost_calculator

__all__ = ["completion_cost", "cost_per_token", "response_cost_calculator"]
