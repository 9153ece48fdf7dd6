"""The deployment with the fewest calls in flight."""

from __future__ import annotations

from collections.abc import Sequence

from dragoman.routing._asked import Asked
from dragoman.routing._deployment import Deployment
from dragoman.routing.strategies._strategy import Pick, lowest
from dragoman.stores import View

__all__ = ["least_busy"]


def least_busy(deployments: Sequence[Deployment], view: View, asked: Asked) -> Pick:
    in_flight = view.in_flight
    scores = [in_flight.get(deployment.key, 0) for deployment in deployments]
    return lowest(deployments, scores, asked, lambda score: f"least-busy: {score:.0f} in flight")
