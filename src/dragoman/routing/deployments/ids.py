"""The ids of deployments that say none themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dragoman.routing.deployments.deployment import Deployment

__all__ = ["DeploymentIds"]


class DeploymentIds:
    """`alias:number`, each number given once, so that nobody gets the health and the counters of one that is gone."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._kept: dict[tuple[str, ...], list[str]] = {}

    def succeeding(self, previous: Iterable[Deployment]) -> DeploymentIds:
        """For a list that takes the place of another: who is asked with the same key under the same alias keeps his id."""
        ids = DeploymentIds()
        ids._numbers = self._numbers
        for deployment in previous:
            if not deployment.model_info.get("id"):
                ids._kept.setdefault((deployment.alias, *deployment.place), []).append(deployment.id)
        return ids

    def assign(self, deployment: Deployment) -> str:
        alias, value = deployment.alias, deployment.model_info.get("id")
        kept = self._kept.get((alias, *deployment.place))
        if kept and not value:
            return kept.pop(0)
        number, self._numbers[alias] = self._numbers[alias], self._numbers[alias] + 1
        return str(value or f"{alias}:{number}")
