"""How one of several deployments is picked: each strategy a plain function over a frozen view of the candidates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from dragoman.routing.settings.strategies import read_strategy, read_strategy_arguments
from dragoman.routing.strategies._candidates import Candidates
from dragoman.routing.strategies._own import GuardedStrategy
from dragoman.routing.strategies._strategy import Pick, Strategy, lowest
from dragoman.routing.strategies.cost_based import cost_based
from dragoman.routing.strategies.latency_based import latency_based
from dragoman.routing.strategies.least_busy import least_busy
from dragoman.routing.strategies.simple_shuffle import simple_shuffle
from dragoman.routing.strategies.usage_based import limit_counters, usage_based

__all__ = [
    "STRATEGIES",
    "Candidates",
    "Pick",
    "Strategy",
    "cost_based",
    "latency_based",
    "least_busy",
    "limit_counters",
    "lowest",
    "reads_caches",
    "reads_limits",
    "simple_shuffle",
    "strategy_of",
    "usage_based",
]

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        "simple-shuffle": simple_shuffle,
        "least-busy": least_busy,
        "latency-based-routing": latency_based,
        "cost-based-routing": cost_based,
        "usage-based-routing-v2": usage_based,
        "usage-based-routing": usage_based,
    }
)
"""By the name that `routing_strategy` gives."""


def strategy_of(value: Any, path: str = "routing_strategy", args: Any = None) -> Strategy:
    """Return the strategy that a name of `STRATEGIES`, `package.module:function` or a function means, with `args`
    (`routing_strategy_args`) as its keyword arguments. Raise `ConfigError` naming the path."""
    strategy = read_strategy(value, path)
    arguments = read_strategy_arguments(strategy, args, f"{path}_args")
    if not isinstance(strategy, str):
        return _own(strategy, value if isinstance(value, str) else _function_name(strategy), arguments)
    result = STRATEGIES[strategy]
    return functools.partial(result, **arguments) if arguments else result


def _function_name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _own(function: Callable[..., Any], name: str, args: Mapping[str, Any]) -> Strategy:
    called = functools.partial(function, **args) if args else function
    known = isinstance(function, GuardedStrategy) or _plain(cast("Strategy", function)) in STRATEGIES.values()
    return called if known else GuardedStrategy(called, name)


def _plain(strategy: Strategy) -> Strategy:
    return cast("Strategy", strategy.func) if isinstance(strategy, functools.partial) else strategy


def reads_limits(strategy: Strategy) -> bool:
    """Whether it wants to see how much of the limits is used."""
    return _plain(strategy) is usage_based


def reads_caches(strategy: Strategy) -> bool:
    """Return whether a strategy reads which deployment caches the beginning of a request."""
    return _plain(strategy) is cost_based
