"""How one of several deployments is picked: each strategy a plain function over a frozen view of the candidates."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from dragoman.errors import ConfigError
from dragoman.routing.strategies._candidates import Candidates
from dragoman.routing.strategies._own import Guarded, imported
from dragoman.routing.strategies._strategy import Pick, Strategy, lowest
from dragoman.routing.strategies.cost_based import cost_based
from dragoman.routing.strategies.latency_based import latency_based
from dragoman.routing.strategies.least_busy import least_busy
from dragoman.routing.strategies.simple_shuffle import simple_shuffle
from dragoman.routing.strategies.usage_based import limit_counters, usage_based
from dragoman.settings.readers import Reader, number, object_of, record
from dragoman.settings.readers import wrong as _wrong
from dragoman.settings.suggestions import or_perhaps

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


def _ignored(value: Any, path: str) -> None:
    """LiteLLM keeps lists that grow old; what is kept here forgets by itself."""


_ARGUMENTS: Mapping[str, Mapping[str, Reader]] = MappingProxyType(
    {
        "latency-based-routing": {
            "percentile": number(0.01, 0.99),
            "lowest_latency_buffer": number(0, 100),
            "ttl": _ignored,
            "max_latency_list_size": _ignored,
        },
        "usage-based-routing-v2": {"ttl": _ignored},
        "usage-based-routing": {"ttl": _ignored},
        "cost-based-routing": {"ttl": _ignored},
    }
)
"""Of `routing_strategy_args`, by strategy."""


def strategy_of(value: Any, path: str = "routing_strategy", args: Any = None) -> Strategy:
    """A name of `STRATEGIES`, `package.module:function`, or a function. Raises `ConfigError` naming the path.

    `args` are `routing_strategy_args`: keyword arguments of the strategy."""
    where = f"{path}_args"
    said = {} if args is None else object_of(args, where)
    if callable(value):
        return _own(value, getattr(value, "__name__", type(value).__name__), said)
    if not isinstance(value, str):
        raise _wrong(path, "the name of a strategy", value)
    if ":" in value:
        return _own(imported(value, path), value, said)
    found = STRATEGIES.get(value)
    if found is None:
        known = f"; known are {', '.join(STRATEGIES)}, or package.module:function"
        raise ConfigError(f"{path}: unknown strategy{or_perhaps(value, STRATEGIES) or known}", param=path)
    read = record(said, where, _ARGUMENTS.get(value, {}))
    kept = {name: argument for name, argument in read.items() if argument is not None}
    return functools.partial(found, **kept) if kept else found


def _own(function: Callable[..., Any], name: str, args: Mapping[str, Any]) -> Strategy:
    called = functools.partial(function, **args) if args else function
    known = isinstance(function, Guarded) or _plain(cast("Strategy", function)) in STRATEGIES.values()
    return called if known else Guarded(called, name)


def _plain(strategy: Strategy) -> Strategy:
    return cast("Strategy", strategy.func) if isinstance(strategy, functools.partial) else strategy


def reads_limits(strategy: Strategy) -> bool:
    """Whether it wants to see how much of the limits is used."""
    return _plain(strategy) is usage_based


def reads_caches(strategy: Strategy) -> bool:
    """Whether it wants to know who holds the beginning of a request in its cache."""
    return _plain(strategy) is cost_based
