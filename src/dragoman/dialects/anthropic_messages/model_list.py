"""The list of models: https://docs.claude.com/en/api/models-list."""

from __future__ import annotations

import datetime

from dragoman.dialects.dialect import ModelCard
from dragoman.types.json import JsonObject

__all__ = ["write_model", "write_model_list"]


def write_model(card: ModelCard) -> JsonObject:
    created = datetime.datetime.fromtimestamp(card.created, datetime.UTC)
    return {
        "type": "model",
        "id": card.name,
        "display_name": card.name,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "deprecated" if card.deprecated else "active",
        "max_input_tokens": card.max_input_tokens,
        "max_tokens": card.max_output_tokens,
    }


def write_model_list(models: list[JsonObject]) -> JsonObject:
    """Return one page, which holds all models."""
    ids = [model["id"] for model in models] or [None]
    return {"data": models, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}
