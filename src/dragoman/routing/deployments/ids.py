"""The ids of deployments that say none themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from dragoman.routing.deployments.deployment import Deployment

__all__ = ["Ids"]


class Ids:
    """`alias:number`, each number given once, so that nobody gets the health and the counters of one that is gone."""

    def __init__(self) -> None:
        self._numbers: Counter[str] = Counter()
        self._kept: dict[tuple[str, ...], list[str]] = {}

    def after(self, before: Iterable[Deployment]) -> Ids:
        """For a list that takes the place of another: who is asked with the same key under the same alias keeps his id."""
        ids = Ids()
        ids._numbers = self._numbers
        for deployment in before:
            if not deployment.model_info.get("id"):
                ids._kept.setdefault((deployment.alias, *deployment.place), []).append(deployment.id)
        return ids

    def of(self, deployment: Deployment) -> str:
        alias, said = deployment.alias, deployment.model_info.get("id")
        kept = self._kept.get((alias, *deployment.place))
        if kept and not said:
            return kept.pop(0)
        number, self._numbers[alias] = self._numbers[alias], self._numbers[alias] + 1
        return str(said or f"{alias}:{number}")
