"""The deployment with the smallest share of its limits used in this minute: of the limit of tokens (`tpm`, `itpm`, `otpm`) that is
nearest, and among equals of `rpm`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._candidates import Candidates, Scores, as_candidates
from dragoman.routing.strategies._strategy import Pick, lowest_renewed, score_table
from dragoman.state import Counter, View

__all__ = ["limit_counters", "usage_based"]

_TOKENS = frozenset({"tpm", "itpm", "otpm"})
_LESS = 1e-6
"""The share of requests decides only among equal shares of tokens."""


class _Weighed(NamedTuple):
    counter: Counter
    weight: float


class _Limits(NamedTuple):
    """Of one deployment."""

    tokens: tuple[_Weighed, ...]
    requests: tuple[_Weighed, ...]


def limit_counters(deployment: Deployment) -> tuple[Counter, ...]:
    """What a store has to watch for this strategy; none for a deployment without limits."""
    limits = _limits(deployment)
    return tuple(limit.counter for limit in (*limits.requests, *limits.tokens))


def usage_based(deployments: Sequence[Deployment], view: View, request: GroupRequest) -> Pick:
    """A deployment without limits has nothing used up, and comes first."""
    candidates = as_candidates(deployments)
    limits, scores = candidates.kept("limits", _all_limits), candidates.kept("usage", Scores)
    used = view.used

    def score(position: int) -> float:
        tokens, requests = limits[position]
        share = 0.0
        for counter, weight in tokens:
            share = max(share, used.get(counter, 0) * weight)
        for counter, weight in requests:
            share += used.get(counter, 0) * weight
        return share

    scores.renew(score, whole=request.explaining)
    table = score_table(candidates, scores.values) if request.explaining else None
    position = lowest_renewed(scores, score, request)
    return Pick(position, f"usage-based-routing: {scores.values[position]:.1%} of its limits used", table)


def _all_limits(candidates: Candidates) -> tuple[_Limits, ...]:
    return tuple(_limits(deployment) for deployment in candidates)


def _limits(deployment: Deployment) -> _Limits:
    some = [limit for limit in deployment.limits if limit.most]
    tokens = tuple(_Weighed(limit.counter, 1 / limit.most) for limit in some if limit.field in _TOKENS)
    less = _LESS if tokens else 1.0
    return _Limits(tokens, tuple(_Weighed(limit.counter, less / limit.most) for limit in some if limit.field == "rpm"))
