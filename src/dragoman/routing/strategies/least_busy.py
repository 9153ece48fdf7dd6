"""The deployment with the fewest calls in flight."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest
from dragoman.routing.strategies._candidates import as_candidates
from dragoman.routing.strategies._strategy import Pick, lowest
from dragoman.state import View

__all__ = ["least_busy"]

_GUESSES = 8
_IDLE = "least-busy: 0 in flight"


def least_busy(deployments: Sequence[Deployment], view: View, request: GroupRequest) -> Pick:
    in_flight, candidates = view.in_flight, as_candidates(deployments)
    keys = candidates.keys
    size = len(keys)
    if (
        len(in_flight) * 2 < size and not request.explaining
    ):  # most have nothing to do: a guess that hits is a fair choice
        for _ in range(_GUESSES):
            guess = int(request.random() * size)
            if not in_flight.get(keys[guess]):
                return Pick(guess, _IDLE)
    scores = list(map(in_flight.get, keys, repeat(0)))
    return lowest(candidates, scores, request, lambda score: f"least-busy: {score:.0f} in flight")
