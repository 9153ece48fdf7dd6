"""The path at which LiteLLM's users import these names."""

from __future__ import annotations

from typing import NoReturn

from dragoman.litellm.unsupported import absent
from dragoman.sdk.prices import completion_cost, cost_per_token, response_cost_calculator

__all__ = ["completion_cost", "cost_per_token", "response_cost_calculator"]


def __getattr__(name: str) -> NoReturn:
    raise absent(__name__, name, __all__)
