"""Chance, by weight: `weight` where any deployment has one, else `rpm`, else `tpm`, `itpm`, `otpm`, else all alike."""

from __future__ import annotations

import itertools
from bisect import bisect
from collections.abc import Sequence
from typing import NamedTuple

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._candidates import Candidates, as_candidates
from dragoman.routing.strategies._strategy import Pick
from dragoman.state import View

__all__ = ["simple_shuffle"]

_WEIGHTS = ("weight", "rpm", "tpm", "itpm", "otpm")


class _Weighing(NamedTuple):
    why: str
    weights: Sequence[float]
    sums: Sequence[float]
    """Empty: all alike."""


def simple_shuffle(deployments: Sequence[Deployment], view: View, request: GroupRequest) -> Pick:
    """A deployment without the weight that others have is never picked by it; where no weight is above 0, all are alike."""
    candidates = as_candidates(deployments)
    why, weights, sums = candidates.kept("simple-shuffle", _weighing)
    size, chance = len(candidates), request.random()
    index = min(bisect(sums, chance * sums[-1]), size - 1) if sums else int(chance * size)
    if not request.explaining:
        return Pick(index, why)
    total = sum(weights)
    # The share that does *not* go there: lower is better, as with every strategy.
    return Pick(index, why, {item.id: 1 - weight / total for item, weight in zip(candidates, weights, strict=True)})


def _weighing(candidates: Candidates) -> _Weighing:
    for name in _WEIGHTS:
        weights = [getattr(deployment, name) or 0 for deployment in candidates]
        if sum(weights) > 0:
            return _Weighing(f"simple-shuffle: by {name}", weights, list(itertools.accumulate(weights)))
    return _Weighing("simple-shuffle", [1] * len(candidates), ())
