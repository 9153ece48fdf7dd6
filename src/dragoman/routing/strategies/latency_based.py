"""The deployment that was fastest lately: the time to the first token for streams, else the time per token written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._candidates import Scores, as_candidates
from dragoman.routing.strategies._strategy import Pick, lowest_renewed, score_table
from dragoman.state import View

__all__ = ["latency_based"]

_UNKNOWN = math.inf
_LONG = 300.0
"""Seconds without an answer, after which a deployment may have become another."""
_SHARE, _MOST = 0.05, 0.5
"""Of the calls, for each deployment of which too little is known, and for all of them together."""
_TOKENS = 200
"""The tokens that an answer without reported usage counts as."""


def latency_based(
    deployments: Sequence[Deployment],
    view: View,
    request: GroupRequest,
    *,
    percentile: float = 0.5,
    lowest_latency_buffer: float = 0.0,
) -> Pick:
    """`lowest_latency_buffer`: 0.5 takes those that are up to 50 % slower than the fastest for as good as it."""
    candidates = as_candidates(deployments)
    series = "first_content" if request.stream else "per_token" if request.call.operation.generates else "latency"
    scores = candidates.kept(("latency", series, percentile), Scores)
    score = _scoring(scores, candidates.keys, view, request, series, percentile)
    scores.renew(score, whole=request.explaining)
    table = score_table(candidates, scores.values) if request.explaining else None
    explored = _explored(scores, score, request)
    if explored is not None:
        return Pick(explored, "latency-based-routing: to know it, as little is known of it now", table)
    position = lowest_renewed(scores, score, request)
    best = scores.values[position]
    if best == _UNKNOWN:
        return Pick(position, "latency-based-routing: nothing is known of any", table)
    if lowest_latency_buffer > 0:
        limit = best * (1 + lowest_latency_buffer)
        good = [number for number, value in enumerate(scores.values) if value <= limit]
        position = good[int(request.random() * len(good))] if good else position
        best = scores.values[position]
    return Pick(position, f"latency-based-routing: {best:.1f} ms {_WORDS[series]}", table)


_WORDS = {"first_content": "to the first token", "per_token": "per token", "latency": "per call"}


def _scoring(
    scores: Scores, keys: Sequence[str], view: View, request: GroupRequest, series: str, percentile: float
) -> Callable[[int], float]:
    observed, unsure, long_ago = view.observed, scores.unsure, request.now() - _LONG
    series_of = attrgetter(series)

    def score(position: int) -> float:
        visited = observed.get(keys[position])
        if visited is None:
            unsure.add(position)
            return _UNKNOWN
        result: float | None = series_of(visited).percentile(percentile)
        if result is None and series == "per_token":
            whole = visited.latency.percentile(percentile)
            result = None if whole is None else whole / _TOKENS
        if result is None or visited.last < long_ago:
            unsure.add(position)
        elif unsure:
            unsure.discard(position)
        return _UNKNOWN if result is None else result

    return score


def _explored(scores: Scores, score: Callable[[int], float], request: GroupRequest) -> int | None:
    """One of which nothing is known, or only what is long past, now and then."""
    unsure = scores.unsure
    if not unsure or len(unsure) == len(scores.values):
        return None
    if request.random() >= min(_MOST, _SHARE * len(unsure)):
        return None
    positions = sorted(unsure)
    position = positions[int(request.random() * len(positions))]
    scores.put(position, score(position))
    return position if position in unsure else None
