"""What a strategy is: a plain function that picks one of the deployments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from dragoman.routing._asked import Asked
from dragoman.routing._deployment import Deployment
from dragoman.stores import View

__all__ = ["Pick", "Strategy", "lowest"]


class Pick(NamedTuple):
    """The choice, and why."""

    position: int
    """In the sequence that the strategy was given."""
    why: str
    """For a person: `least-busy: 0 in flight`."""
    scores: Mapping[str, float] | None = None
    """By deployment, lower is better; only where `asked.explaining`."""


Strategy: TypeAlias = Callable[[Sequence[Deployment], View, Asked], Pick]
"""Gets at least one deployment, all of the same priority and none of them out, and what is known of them: in flight,
observed times (milliseconds), used limits, all by `deployment.key`. It reads, and does not block."""


def lowest(
    deployments: Sequence[Deployment], scores: Sequence[float], asked: Asked, why: Callable[[float], str]
) -> Pick:
    """The one with the lowest score; chance decides among equals."""
    best = min(scores)
    first = scores.index(best)
    equals = sum(score == best for score in scores)
    if equals > 1:
        same = [index for index, score in enumerate(scores) if score == best]
        first = same[int(asked.chance() * equals)]
    return Pick(first, why(best), _table(deployments, scores) if asked.explaining else None)


def _table(deployments: Sequence[Deployment], scores: Sequence[float]) -> dict[str, float]:
    return {deployment.id: score for deployment, score in zip(deployments, scores, strict=True)}
