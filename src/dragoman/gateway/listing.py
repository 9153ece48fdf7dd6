"""The list of models, in the shape that the asking client knows."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from dragoman.errors import NotFoundError
from dragoman.gateway._dialects import ANTHROPIC, GEMINI, OPENAI, CallerDialect
from dragoman.gateway._exchange import Exchange
from dragoman.gateway.config import GatewayConfig

__all__ = ["ModelList", "Row", "client_of", "rows_of"]

_METHODS = {
    "chat": ("generateContent", "streamGenerateContent", "countTokens"),
    "embedding": ("embedContent", "batchEmbedContents"),
}


class Row(NamedTuple):
    name: str
    owner: str
    """The provider of its first deployment."""
    operations: tuple[str, ...]


def rows_of(config: GatewayConfig) -> dict[str, Row]:
    """By name, in the order of the configuration. Patterns such as `openai/*` are no models."""
    rows: dict[str, Row] = {}
    for deployment in config.deployments:
        if "*" not in deployment.alias:
            endpoints = tuple(deployment.provider.endpoints)
            rows.setdefault(deployment.alias, Row(deployment.alias, deployment.provider.name, endpoints))
    for alias, target in config.aliases.items():
        known = rows.get(target)
        rows.setdefault(
            alias, Row(alias, known.owner if known else "dragoman", known.operations if known else ("chat",))
        )
    return rows


def client_of(headers: Mapping[str, str], query: bytes) -> CallerDialect:
    """Three SDKs ask for `/v1/models`; their headers tell them apart."""
    if "anthropic-version" in headers:
        return ANTHROPIC
    if "x-goog-api-key" in headers or query.startswith(b"key=") or b"&key=" in query:
        return GEMINI
    return OPENAI


def _openai_row(row: Row, created: int) -> dict[str, Any]:
    return {"id": row.name, "object": "model", "created": created, "owned_by": row.owner}


def _openai_list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": rows}


def _anthropic_row(row: Row, created: int) -> dict[str, Any]:
    when = datetime.datetime.fromtimestamp(created, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": row.name, "display_name": row.name, "created_at": when}


def _anthropic_list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    ids = [row["id"] for row in rows] or [None]
    return {"data": rows, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}


def _gemini_row(row: Row, created: int) -> dict[str, Any]:
    methods = [method for operation in row.operations for method in _METHODS.get(operation, ())]
    return {
        "name": f"models/{row.name}",
        "version": "001",
        "displayName": row.name,
        "supportedGenerationMethods": methods,
    }


def _gemini_list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"models": rows}


class _Shape(NamedTuple):
    row: Callable[[Row, int], dict[str, Any]]
    whole: Callable[[list[dict[str, Any]]], dict[str, Any]]


_SHAPES: Mapping[str, _Shape] = {
    OPENAI.name: _Shape(_openai_row, _openai_list),
    ANTHROPIC.name: _Shape(_anthropic_row, _anthropic_list),
    GEMINI.name: _Shape(_gemini_row, _gemini_list),
}


@dataclass(frozen=True, slots=True)
class ModelList:
    """Answers for all models and for one."""

    rows: Mapping[str, Row]
    created: int
    """Unix seconds: when the gateway was started, for want of anything better."""

    async def all(self, exchange: Exchange) -> None:
        shape = _SHAPES[exchange.dialect.name]
        await _reply(exchange, shape.whole([shape.row(row, self.created) for row in self.rows.values()]))

    async def one(self, exchange: Exchange, name: str) -> None:
        row = self.rows.get(name)
        if row is None:
            raise NotFoundError(f"there is no model {name!r}", param="model", code="model_not_found")
        await _reply(exchange, _SHAPES[exchange.dialect.name].row(row, self.created))


async def _reply(exchange: Exchange, value: Any) -> None:
    await exchange.reply(200, orjson.dumps(value))
