"""What a strategy is: a plain function that picks one of the deployments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._candidates import Scores
from dragoman.state import View

__all__ = ["Pick", "Strategy", "by_chance", "lowest", "lowest_renewed", "score_table"]

_GUESSES = 8
_LOOKS = 4


class Pick(NamedTuple):
    """The choice, and why."""

    position: int
    """In the sequence that the strategy was given."""
    why: str
    """For a person: `least-busy: 0 in flight`."""
    scores: Mapping[str, float] | None = None
    """By deployment, lower is better; only where `request.explaining`. Deployments without observations have none."""


Strategy: TypeAlias = Callable[[Sequence[Deployment], View, GroupRequest], Pick]
"""Gets at least one deployment, all of the same priority and none of them out, and what is known of them: in flight,
observed times (milliseconds), used limits, all by `deployment.key`. It reads, and does not block."""


def lowest(
    deployments: Sequence[Deployment], scores: Sequence[float], request: GroupRequest, why: Callable[[float], str]
) -> Pick:
    """The one with the lowest score; chance decides among equals."""
    best = min(scores)
    position = by_chance(scores, best, request.random)
    return Pick(position, why(best), score_table(deployments, scores) if request.explaining else None)


def lowest_renewed(scores: Scores, score: Callable[[int], float], request: GroupRequest) -> int:
    """The same, of scores some of which are old: the best is looked at once more before it is taken."""
    for _ in range(_LOOKS):
        lowest = scores.lowest()
        position = lowest[0] if len(lowest) == 1 else lowest[int(request.random() * len(lowest))]
        known, now = scores.values[position], score(position)
        if now <= known:
            break
        scores.put(position, now)
    return position


def by_chance(scores: Sequence[float], wanted: float, chance: Callable[[], float]) -> int:
    """The position of one of those with this score, each as likely as the others."""
    equals = scores.count(wanted)
    if equals == 1:
        return scores.index(wanted)
    size = len(scores)
    if equals * 4 >= size:  # a guess that hits is as fair as a list of them, and cheaper
        for _ in range(_GUESSES):
            guess = int(chance() * size)
            if scores[guess] == wanted:
                return guess
    same = [position for position, score in enumerate(scores) if score == wanted]
    return same[int(chance() * len(same))]


def score_table(deployments: Sequence[Deployment], scores: Sequence[float]) -> dict[str, float]:
    return {deployment.id: score for deployment, score in zip(deployments, scores, strict=True) if score < math.inf}
