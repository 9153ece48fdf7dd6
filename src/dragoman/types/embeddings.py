"""The hub's embeddings: OpenAI's shape."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from dragoman.types.usage import TokenUsage

__all__ = ["Embedding", "EmbeddingRequest", "EmbeddingResponse"]


class EmbeddingRequest(TypedDict, total=False):
    model: str
    input: str | list[str] | list[int] | list[list[int]]
    dimensions: int
    encoding_format: Literal["float", "base64"]
    user: str
    input_type: str
    """What the vectors are for (`query`, `document`, or a provider's own word such as Gemini's task types)."""
    title: str
    vendor_params: dict[str, dict[str, Any]]
    """Parameters of one vendor's API that have no common name: {vendor: {name: value}}."""


class Embedding(TypedDict, total=False):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str
    """Floats, or base64 of little-endian float32 if requested."""


class EmbeddingResponse(TypedDict, total=False):
    object: Literal["list"]
    model: str
    data: list[Embedding]
    usage: TokenUsage
