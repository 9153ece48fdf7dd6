"""How one of several deployments is picked: each strategy a plain function over a frozen view of the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.routing.strategies._strategy import Pick, Strategy, lowest
from dragoman.routing.strategies.least_busy import least_busy
from dragoman.routing.strategies.simple_shuffle import simple_shuffle

__all__ = ["STRATEGIES", "Pick", "Strategy", "least_busy", "lowest", "simple_shuffle"]

STRATEGIES: Mapping[str, Strategy] = MappingProxyType({"simple-shuffle": simple_shuffle, "least-busy": least_busy})
"""By the name that `routing_strategy` gives."""
