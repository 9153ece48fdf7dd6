"""The list of models, in the shape that the asking client knows."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dragoman.gateway.http.caller_dialects import ANTHROPIC, GEMINI, OPENAI, CallerDialect
from dragoman.gateway.pages.model_json import described, no_row, row_of
from dragoman.routing import Deployment
from dragoman.routing.deployments.group_info import facts_of_all
from dragoman.types.model_entry import ModelEntry

__all__ = ["Row", "client_of", "model_list", "one_model", "rows_of"]

_METHODS = {
    "chat": ("generateContent", "streamGenerateContent", "countTokens"),
    "embedding": ("embedContent", "batchEmbedContents"),
}


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
        return tuple(self.deployments[0].provider.endpoints) if self.deployments else ("chat",)

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


def client_of(headers: Mapping[str, str], query: bytes) -> CallerDialect:
    """Three SDKs ask for `/v1/models`; their headers tell them apart."""
    if "anthropic-version" in headers:
        return ANTHROPIC
    if "x-goog-api-key" in headers or query.startswith(b"key=") or b"&key=" in query:
        return GEMINI
    return OPENAI


def _openai_row(row: Row, started: int) -> dict[str, Any]:
    """Beside OpenAI's own fields one of ours, `dragoman`."""
    return {
        "id": row.name,
        "object": "model",
        "created": row.released(started),
        "owned_by": row.owner,
        "dragoman": {**facts_of_all(row.deployments), "deployments": [_known(each) for each in row.deployments]},
    }


def _known(deployment: Deployment) -> dict[str, Any]:
    """`row`: of the catalogue, which may be another model's (`base_model`)."""
    entry = row_of(deployment)
    names = {"provider": deployment.provider.name, "model": deployment.model, "row": entry.name if entry else None}
    return {**(described(entry) if entry else no_row(deployment)), **names}


def _openai_list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": rows}


def _anthropic_row(row: Row, started: int) -> dict[str, Any]:
    facts, entry = facts_of_all(row.deployments), next(iter(row.entries), None)
    when = datetime.datetime.fromtimestamp(row.released(started), datetime.UTC)
    return {
        "type": "model",
        "id": row.name,
        "display_name": row.name,
        "created_at": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "deprecated" if entry and entry.deprecated else "active",
        "max_input_tokens": _input_limit(facts),
        "max_tokens": facts["max_output_tokens"],
    }


def _anthropic_list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    ids = [row["id"] for row in rows] or [None]
    return {"data": rows, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}


def _gemini_row(row: Row, started: int) -> dict[str, Any]:
    facts = facts_of_all(row.deployments)
    known = {
        "inputTokenLimit": _input_limit(facts),
        "outputTokenLimit": facts["max_output_tokens"],
        "thinking": facts["abilities"].get("reasoning"),
    }
    return {
        "name": f"models/{row.name}",
        "version": "001",
        "displayName": row.name,
        **{name: value for name, value in known.items() if value is not None},
        "supportedGenerationMethods": [method for each in row.operations for method in _METHODS.get(each, ())],
    }


def _gemini_list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"models": rows}


def _input_limit(facts: Mapping[str, Any]) -> int | None:
    limit: int | None = facts["max_input_tokens"] or facts["context_window"]
    return limit


class _Shape(NamedTuple):
    row: Callable[[Row, int], dict[str, Any]]
    whole: Callable[[list[dict[str, Any]]], dict[str, Any]]


_SHAPES: Mapping[str, _Shape] = {
    OPENAI.name: _Shape(_openai_row, _openai_list),
    ANTHROPIC.name: _Shape(_anthropic_row, _anthropic_list),
    GEMINI.name: _Shape(_gemini_row, _gemini_list),
}


def model_list(rows: Sequence[Row], dialect: CallerDialect, started: int) -> dict[str, Any]:
    """`started`: Unix seconds, for models of which it is not known when they came out."""
    shape = _SHAPES[dialect.name]
    return shape.whole([shape.row(row, started) for row in rows])


def one_model(row: Row, dialect: CallerDialect, started: int) -> dict[str, Any]:
    return _SHAPES[dialect.name].row(row, started)
