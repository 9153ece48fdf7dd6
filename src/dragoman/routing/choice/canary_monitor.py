"""The running comparison of a canary with the deployments beside it."""

from __future__ import annotations

from dragoman.observe import CanaryStopped
from dragoman.routing.choice.call_stats import CallStats, ratio
from dragoman.routing.settings.canary import Canary

__all__ = ["CanaryMonitor"]


class CanaryMonitor:
    """One canary, and what is known of it."""

    def __init__(self, canary: Canary) -> None:
        self.canary = canary
        self.own = CallStats(canary.gates.window)
        self.others = CallStats(canary.gates.window)
        self.stopped: str | None = None

    def values(self, now: float) -> dict[str, float | None]:
        """By gate."""
        self.own.forget(now)
        self.others.forget(now)
        return {
            "error_rate": self.own.error_rate(),
            "latency_p95_ratio": ratio(self.own.p95(), self.others.p95()),
            "cost_ratio": ratio(self.own.mean_cost(), self.others.mean_cost()),
        }

    def crossed_threshold(self, now: float) -> CanaryStopped | None:
        """The gate that it has just crossed."""
        canary = self.canary
        if self.stopped is not None or self.own.calls < canary.gates.least_calls:
            return None
        values = self.values(now)
        if self.own.calls < canary.gates.least_calls:
            return None
        for gate, value in values.items():
            limit = getattr(canary.gates, gate)
            if limit is not None and value is not None and value > limit:
                self.stopped = gate
                return CanaryStopped(canary.model, canary.deployment, gate, value, limit)
        return None
