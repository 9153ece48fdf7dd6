"""How the deployments are, as the calls that were made anyway show it, and `health_check` if it is configured: a report costs
nothing and calls no provider."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dragoman import errors
from dragoman.observe import AttemptEnded, Event, HealthChecked
from dragoman.routing import Deployment

__all__ = ["HealthReport"]


@dataclass(slots=True)
class _Seen:
    """What was observed of one deployment."""

    answered: int = 0
    failed: int = 0
    last_answer: float | None = None
    last_failure: float | None = None
    last_error: str | None = None
    well: bool | None = None
    """Whether the last attempt that says anything about it succeeded."""


class HealthReport:
    """Listens to every attempt (as a `dragoman.observe.Listener`), and reports."""

    def __init__(self, deployments: Sequence[Deployment]) -> None:
        self._deployments = tuple(deployments)
        self._seen = {deployment.id: _Seen() for deployment in self._deployments}
        self.draining = False

    def __call__(self, event: Event) -> None:
        if not isinstance(event, (AttemptEnded, HealthChecked)):
            return
        checked = isinstance(event, HealthChecked)
        seen = self._seen.get(event.deployment if isinstance(event, HealthChecked) else event.attempt.deployment)
        if seen is None:
            return
        error = event.reason if isinstance(event, HealthChecked) else event.attempt.error
        if checked:
            if error:  # that a provider lists its models says nothing good of any of them
                seen.last_failure, seen.last_error, seen.well = time.time(), error, False
        elif error is None:
            seen.answered += 1
            seen.last_answer, seen.well = time.time(), True
        elif _is_own_fault(error):
            seen.failed += 1
            seen.last_failure, seen.last_error, seen.well = time.time(), error, False

    def report(self) -> dict[str, Any]:
        """Return LiteLLM's shape, with a third list for deployments that were not called yet: they are not known to be healthy."""
        groups: dict[bool | None, list[dict[str, Any]]] = {True: [], False: [], None: []}
        for deployment in self._deployments:
            seen = self._seen[deployment.id]
            groups[seen.well].append(_row(deployment, seen))
        return {
            "healthy_endpoints": groups[True],
            "unhealthy_endpoints": groups[False],
            "unknown_endpoints": groups[None],
            "healthy_count": len(groups[True]),
            "unhealthy_count": len(groups[False]),
            "unknown_count": len(groups[None]),
        }


def _is_own_fault(error: str) -> bool:
    """Whether an error is the deployment's fault rather than the request's."""
    kind = getattr(errors, error, None)
    return not isinstance(kind, type) or bool(getattr(kind, "retry_elsewhere", True))


def _row(deployment: Deployment, seen: _Seen) -> dict[str, Any]:
    return {
        "id": deployment.id,
        "model_name": deployment.alias,
        "model": f"{deployment.provider.name}/{deployment.model}",
        "answered": seen.answered,
        "failed": seen.failed,
        "last_answer": seen.last_answer,
        "last_failure": seen.last_failure,
        "last_error": seen.last_error,
    }
