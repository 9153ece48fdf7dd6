"""The list of models, in the shape that the asking client knows."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dragoman.dialects.dialect import Dialect, ModelCard
from dragoman.gateway.pages.model_json import described, no_row, row_of
from dragoman.routing import Deployment
from dragoman.routing.deployments.group_info import facts_of_all
from dragoman.types.model_entry import ModelEntry
from dragoman.types.operations import CHAT

__all__ = ["Row", "model_list", "one_model", "rows_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One name that callers may use."""

    name: str
    deployments: tuple[Deployment, ...] = ()
    """Who answers to it, in the order in which they are asked."""

    @property
    def owner(self) -> str:
        """The provider of its first deployment."""
        return self.deployments[0].provider.name if self.deployments else "dragoman"

    @property
    def operations(self) -> tuple[str, ...]:
        return tuple(self.deployments[0].provider.endpoints) if self.deployments else (CHAT.name,)

    @property
    def entries(self) -> tuple[ModelEntry | None, ...]:
        return tuple(deployment.entry for deployment in self.deployments)

    def released(self, otherwise: int) -> int:
        """Unix seconds of the day on which the model came out."""
        entry = self.entries[0] if self.deployments else None
        try:
            day = datetime.date.fromisoformat(entry.released if entry else "")
        except ValueError:
            return otherwise
        return int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp())


def rows_of(deployments: Iterable[Deployment], aliases: Mapping[str, str]) -> dict[str, Row]:
    """By name, in the order of the configuration. Patterns such as `openai/*` are no models."""
    groups: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        if "*" not in deployment.alias:
            groups.setdefault(deployment.alias, []).append(deployment)
    for alias, target in aliases.items():
        groups.setdefault(alias, groups.get(target, []))
    return {name: Row(name, tuple(group)) for name, group in groups.items()}


def _card(row: Row, started: int) -> ModelCard:
    facts, entry = facts_of_all(row.deployments), next(iter(row.entries), None)
    return ModelCard(
        name=row.name,
        created=row.released(started),
        owner=row.owner,
        operations=row.operations,
        max_input_tokens=facts["max_input_tokens"] or facts["context_window"],
        max_output_tokens=facts["max_output_tokens"],
        reasoning=facts["abilities"].get("reasoning"),
        deprecated=bool(entry and entry.deprecated),
        details=lambda: {**facts, "deployments": [_known(each) for each in row.deployments]},
    )


def _known(deployment: Deployment) -> dict[str, Any]:
    """`row`: of the catalogue, which may be another model's (`base_model`)."""
    entry = row_of(deployment)
    names = {"provider": deployment.provider.name, "model": deployment.model, "row": entry.name if entry else None}
    return {**(described(entry) if entry else no_row(deployment)), **names}


def model_list(rows: Sequence[Row], dialect: Dialect, started: int) -> dict[str, Any]:
    """`started`: Unix seconds, for models of which it is not known when they came out."""
    return dialect.write_model_list([one_model(row, dialect, started) for row in rows])


def one_model(row: Row, dialect: Dialect, started: int) -> dict[str, Any]:
    return dialect.write_model(_card(row, started))
