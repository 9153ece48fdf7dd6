"""The list of models: https://ai.google.dev/api/models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.dialects.dialect import ModelCard
from dragoman.types.json import JsonObject

__all__ = ["write_model", "write_model_list"]

_METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "chat": ("generateContent", "streamGenerateContent", "countTokens"),
        "embedding": ("embedContent", "batchEmbedContents"),
    }
)
"""Operation -> the methods by which Google's clients call it."""


def write_model(card: ModelCard) -> JsonObject:
    """Return Google's fields; an unknown number is left out."""
    facts = {
        "inputTokenLimit": card.max_input_tokens,
        "outputTokenLimit": card.max_output_tokens,
        "thinking": card.reasoning,
    }
    return {
        "name": f"models/{card.name}",
        "version": "001",
        "displayName": card.name,
        **{name: value for name, value in facts.items() if value is not None},
        "supportedGenerationMethods": [method for name in card.operations for method in _METHODS.get(name, ())],
    }


def write_model_list(models: list[JsonObject]) -> JsonObject:
    return {"models": models}
