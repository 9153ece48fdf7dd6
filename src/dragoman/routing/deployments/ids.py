"""The ids of deployments that say none themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dragoman.routing.deployments.deployment import Deployment

__all__ = ["DeploymentIds"]


class DeploymentIds:
    """`alias:number`, each number assigned once, so that no deployment inherits the health and the counters of a removed one."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._kept: dict[tuple[str, ...], list[str]] = {}

    def succeeding(self, previous: Iterable[Deployment]) -> DeploymentIds:
        """Return the ids for a list that replaces another: a deployment with the same alias, provider, model and key keeps
        its id."""
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
