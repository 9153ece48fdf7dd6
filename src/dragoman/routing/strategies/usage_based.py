"""The deployment with the smallest share of its limits used in this minute: of `tpm`, and among equals of `rpm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dragoman.routing._asked import Asked
from dragoman.routing._deployment import Deployment
from dragoman.routing.strategies._candidates import Candidates, Scores, as_candidates
from dragoman.routing.strategies._strategy import Pick, lowest_renewed, score_table
from dragoman.stores import Counter, View

__all__ = ["limit_counters", "usage_based"]

_MINUTE = 60.0
_LESS = 1e-6
"""The share of requests decides only among equal shares of tokens."""


class _Limit(NamedTuple):
    counter: Counter
    weight: float


def limit_counters(deployment: Deployment) -> tuple[Counter, ...]:
    """What a store has to watch for this strategy; none for a deployment without limits."""
    return tuple(limit.counter for limit in _limits(deployment))


def usage_based(deployments: Sequence[Deployment], view: View, asked: Asked) -> Pick:
    """A deployment without limits has nothing used up, and comes first."""
    candidates = as_candidates(deployments)
    limits, scores = candidates.kept("limits", _all_limits), candidates.kept("usage", Scores)
    used = view.used

    def score(position: int) -> float:
        share = 0.0
        for counter, weight in limits[position]:
            share += used.get(counter, 0) * weight
        return share

    scores.renew(score, whole=asked.explaining)
    table = score_table(candidates, scores.values) if asked.explaining else None
    position = lowest_renewed(scores, score, asked)
    return Pick(position, f"usage-based-routing: {scores.values[position]:.1%} of its limits used", table)


def _all_limits(candidates: Candidates) -> tuple[tuple[_Limit, ...], ...]:
    return tuple(_limits(deployment) for deployment in candidates)


def _limits(deployment: Deployment) -> tuple[_Limit, ...]:
    limits = []
    if deployment.tpm:
        limits.append(_Limit(Counter(f"{deployment.id}:tpm", _MINUTE), 1 / deployment.tpm))
    if deployment.rpm:
        weight = _LESS if limits else 1.0
        limits.append(_Limit(Counter(f"{deployment.id}:rpm", _MINUTE), weight / deployment.rpm))
    return tuple(limits)
