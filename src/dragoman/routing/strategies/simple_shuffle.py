"""Chance, by weight: `weight` where any deployment has one, else `rpm`, else `tpm`, else all alike."""

from __future__ import annotations

import itertools
from bisect import bisect
from collections.abc import Sequence

from dragoman.routing._asked import Asked
from dragoman.routing._deployment import Deployment
from dragoman.routing.strategies._strategy import Pick
from dragoman.stores import View

__all__ = ["simple_shuffle"]

_WEIGHTS = ("weight", "rpm", "tpm")


def simple_shuffle(deployments: Sequence[Deployment], view: View, asked: Asked) -> Pick:
    """A deployment without the weight that others have is never picked by it; where no weight is above 0, all are alike."""
    for name in _WEIGHTS:
        weights = [getattr(deployment, name) or 0 for deployment in deployments]
        total = sum(weights)
        if total > 0:
            sums = list(itertools.accumulate(weights))
            index = min(bisect(sums, asked.chance() * total), len(deployments) - 1)
            return Pick(index, f"simple-shuffle: by {name}", _scores(deployments, weights, total, asked))
    index = int(asked.chance() * len(deployments))
    return Pick(index, "simple-shuffle", _scores(deployments, [1] * len(deployments), len(deployments), asked))


def _scores(
    deployments: Sequence[Deployment], weights: Sequence[float], total: float, asked: Asked
) -> dict[str, float] | None:
    """The share that does *not* go there: lower is better, as with every strategy."""
    if not asked.explaining:
        return None
    return {item.id: 1 - weight / total for item, weight in zip(deployments, weights, strict=True)}
