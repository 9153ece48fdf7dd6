"""The list of models: https://platform.openai.com/docs/api-reference/models."""

from __future__ import annotations

from dragoman.dialects.dialect import ModelCard
from dragoman.types.json import JsonObject

__all__ = ["write_model", "write_model_list"]


def write_model(card: ModelCard) -> JsonObject:
    """Return OpenAI's own fields, and beside them one of ours, `dragoman`."""
    return {
        "id": card.name,
        "object": "model",
        "created": card.created,
        "owned_by": card.owner,
        "dragoman": card.details(),
    }


def write_model_list(models: list[JsonObject]) -> JsonObject:
    return {"object": "list", "data": models}
