"""Which dialects there are, and at which path each operation is spoken. A dialect is imported when it is first spoken."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dragoman.dialects.dialect import Codec, Operation
from dragoman.providers._provider import Endpoint

__all__ = ["DIALECTS", "LazyEndpoints", "speaks"]

DIALECTS: Mapping[str, Mapping[Operation, tuple[str, str]]] = MappingProxyType(
    {
        "openai_chat": {
            "chat": ("/chat/completions", "openai_chat.CODEC"),
            "text_completion": ("/completions", "openai_chat.completions.CODEC"),
            "embedding": ("/embeddings", "openai_chat.embeddings.CODEC"),
        },
        "anthropic_messages": {
            "chat": ("/v1/messages", "anthropic_messages.CODEC"),
            "count_tokens": ("/v1/messages/count_tokens", "anthropic_messages.COUNT_TOKENS"),
        },
        "gemini": {
            "chat": ("/models/{model}:generateContent", "gemini.CODEC"),
            "embedding": ("/models/{model}:batchEmbedContents", "gemini.BATCH_EMBED_CONTENTS"),
            "count_tokens": ("/models/{model}:countTokens", "gemini.COUNT_TOKENS"),
        },
    }
)
"""Dialect -> operation -> path, and the codec's place under `dragoman.dialects`."""


@functools.cache
def _codec(place: str) -> Codec[Any, Any, Any]:
    module, _, name = place.rpartition(".")
    codec: Codec[Any, Any, Any] = getattr(importlib.import_module(f"dragoman.dialects.{module}"), name)
    return codec


@dataclass(frozen=True, slots=True)
class LazyEndpoints(Mapping[Operation, Endpoint]):
    """A provider's endpoints, whose codecs are imported on first use: a look-up of one provider imports no dialect."""

    places: tuple[tuple[Operation, str, str], ...]
    """Operation, path, and the codec's place."""

    def __getitem__(self, operation: Operation) -> Endpoint:
        for known, path, place in self.places:
            if known == operation:
                return _endpoint(place, path)
        raise KeyError(operation)

    def __contains__(self, operation: object) -> bool:
        return any(known == operation for known, _, _ in self.places)

    def __iter__(self) -> Iterator[Operation]:
        return (operation for operation, _, _ in self.places)

    def __len__(self) -> int:
        return len(self.places)


@functools.cache
def _endpoint(place: str, path: str) -> Endpoint:
    return Endpoint(codec=_codec(place), path=path)


def speaks(
    dialect: str, operations: Iterable[Operation] | None = None, paths: Mapping[Operation, str] | None = None
) -> LazyEndpoints:
    """The endpoints of somebody who speaks `dialect`: all of its operations, or only these; paths of its own win."""
    known = DIALECTS[dialect]
    own = paths or {}
    offered = known if operations is None else [operation for operation in known if operation in set(operations)]
    return LazyEndpoints(tuple((name, own.get(name, known[name][0]), known[name][1]) for name in offered))
