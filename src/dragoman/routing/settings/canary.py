"""Deployments on trial and their thresholds: the `canary` setting and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dragoman.errors import ConfigError
from dragoman.settings.readers import Reader, at_least, number, record, seconds, text, whole, wrong

__all__ = ["MOST_CALLS", "Canary", "CanaryThresholds", "parse_canaries"]


MOST_CALLS = 1000
"""So many of the last calls are looked at, of the canary and of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryThresholds:
    """More than these stops a canary. None: no such gate."""

    error_rate: float | None = None
    """The share of its calls that failed by its own fault."""
    latency_p95_ratio: float | None = None
    """To the other deployments' milliseconds; of streams, those to the first content."""
    cost_ratio: float | None = None
    """To the mean cost of the others' calls."""
    least_calls: int = 50
    """Of the canary; it is not judged before."""
    window: float = 600.0
    """Seconds."""


_GATES: Mapping[str, Reader] = MappingProxyType(
    {
        "error_rate": number(0, 1),
        "latency_p95_ratio": at_least(0),
        "cost_ratio": at_least(0),
        "least_calls": whole(1, MOST_CALLS),
        "window": seconds,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    model: str
    """An alias of the model list."""
    deployment: str
    """The id of one of its deployments."""
    share: float = 0.05
    """Of the alias's calls, from 0 to 1."""
    gates: CanaryThresholds = field(default_factory=CanaryThresholds)
    path: str = "canary"
    """Where it is said."""


def _gates(value: Any, path: str) -> CanaryThresholds:
    return CanaryThresholds(**record(value, path, _GATES))


_ROW: Mapping[str, Reader] = MappingProxyType(
    {"model": text, "deployment": text, "share": number(0, 1), "gates": _gates}
)


def parse_canaries(value: Any, path: str) -> tuple[Canary, ...]:
    """`[{model, deployment, share, gates}]`. Raises `ConfigError`."""
    if not isinstance(value, (list, tuple)):
        raise wrong(path, "a list of {model, deployment, share, gates}", value)
    return tuple(_row(row, f"{path}[{position}]") for position, row in enumerate(value))


def _row(value: Any, path: str) -> Canary:
    if isinstance(value, Canary):
        return value
    said = record(value, path, _ROW)
    for name in ("model", "deployment"):
        if name not in said:
            raise ConfigError(f"{path}.{name}: missing", param=f"{path}.{name}")
    return Canary(**said, path=path)
