"""Gemini as a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.simulator.compose import compose
from dragoman.simulator.exchange import Answer, SimulatedError, WholeAnswer, stable_number
from dragoman.simulator.gemini.errors import bad_key, bad_request, body, fault
from dragoman.simulator.gemini.reply import write_count, write_embeddings, write_stream, write_whole
from dragoman.simulator.gemini.request import content_text, read_generate, read_shape
from dragoman.simulator.gemini.shapes import BATCH_EMBED, COUNT, EMBED
from dragoman.simulator.provider import IncomingCall, count_usage

__all__ = ["Gemini"]

_MODELS = ["gemini-3.8-flash", "gemini-4-argon", "gemini-embedding-001", "sim"]
_NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer "
    "identity to call this API."
)
_METHODS = ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"]


class Gemini:
    name = "gemini"

    def check_key(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        key = headers.get("x-goog-api-key") or query.get("key") or ""
        if not key:
            raise SimulatedError(403, body(403, "PERMISSION_DENIED", _NO_KEY))
        if key == "sim-bad-key":
            raise bad_key()

    def is_stream(self, operation: str, body: Any) -> bool:
        return operation == "streamGenerateContent"

    def bad_json(self) -> SimulatedError:
        return bad_request("Invalid JSON payload received. Expected an object key or }.\n\n^")

    def fault(self, name: str, retry_after: str, incoming_model: str, key: str) -> SimulatedError:
        return fault(name, retry_after, model=incoming_model)

    def answer(self, incoming: IncomingCall) -> Answer:
        if incoming.operation in ("models", "model"):
            return _models(incoming)
        if incoming.operation not in _METHODS:
            raise fault("404", model=incoming.model, method=incoming.operation)
        if not isinstance(incoming.body, dict):
            raise bad_request('Invalid JSON payload received. Unknown name "": Root element must be a message.')
        if "ontent" in incoming.operation and "mbed" not in incoming.operation:
            return self.generate(incoming)
        return _count(incoming) if incoming.operation == "countTokens" else _embed(incoming)

    def generate(self, incoming: IncomingCall) -> Answer:
        request = read_generate(incoming.body, incoming.model)
        limit = incoming.faults.context or 1_048_576
        usage = count_usage(request, incoming.cached, limit, lambda used: fault("context", used=used, limit=limit))
        replies = [compose(request, incoming.seed + index) for index in range(request.count)]
        if incoming.operation == "generateContent":
            return write_whole(request, replies, usage, incoming.number)
        return write_stream(request, replies, usage, incoming.number, events=incoming.query.get("alt") == "sse")


def _models(incoming: IncomingCall) -> WholeAnswer:
    models = [
        {
            "name": f"models/{name}",
            "version": "001",
            "displayName": name,
            "description": "Simulated.",
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["embedContent"]
            if "embedding" in name
            else ["generateContent", "countTokens"],
        }
        for name in ([incoming.model] if incoming.operation == "model" else _MODELS)
    ]
    return WholeAnswer(models[0] if incoming.operation == "model" else {"models": models})


def _count(incoming: IncomingCall) -> WholeAnswer:
    body = read_shape(incoming.body, COUNT)
    return write_count(
        read_generate(body.get("generateContentRequest") or {"contents": body.get("contents") or []}, incoming.model)
    )


def _embed(incoming: IncomingCall) -> WholeAnswer:
    single = incoming.operation == "embedContent"
    body = read_shape(incoming.body, EMBED if single else BATCH_EMBED)
    requests = [body] if single else body["requests"]
    texts = [content_text(request["content"]) for request in requests]
    if any(not text for text in texts):
        raise bad_request("* EmbedContentRequest.content: empty Part\n")
    values = [
        [
            (stable_number(incoming.seed, incoming.model, text, k) % 2001 - 1000) / 1024
            for k in range(request.get("outputDimensionality") or 16)
        ]
        for request, text in zip(requests, texts, strict=True)
    ]
    return write_embeddings(values, texts, single)
