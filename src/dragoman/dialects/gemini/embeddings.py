"""Read and write embedContent and batchEmbedContents. Requests to Google are always batches; callers may use both.

https://ai.google.dev/api/embeddings
"""

from __future__ import annotations

import binascii
import struct
from base64 import b64decode
from typing import Any

from dragoman.dialects.codec import ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.error_details import reply_of, shown
from dragoman.dialects.gemini.errors import read_error
from dragoman.dialects.gemini.fields import fields, items
from dragoman.dialects.gemini.request_read import model_of
from dragoman.dialects.gemini.usage import read_usage
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.validation import bad, expect, expect_str
from dragoman.errors import APIResponseValidationError
from dragoman.types.embeddings import Embedding, EmbeddingRequest, EmbeddingResponse
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = [
    "read_batch_request",
    "read_embedding_response",
    "read_embedding_usage",
    "read_single_request",
    "write_batch_request",
    "write_batch_response",
    "write_single_response",
]

_TASKS = {
    "query": "RETRIEVAL_QUERY",
    "search_query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "passage": "RETRIEVAL_DOCUMENT",
    "search_document": "RETRIEVAL_DOCUMENT",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "similarity": "SEMANTIC_SIMILARITY",
}
_INPUT_TYPES = {"RETRIEVAL_QUERY": "query", "RETRIEVAL_DOCUMENT": "document"}
_IGNORED = frozenset({"encoding_format", "user"})
_WRITTEN = _IGNORED | {"model", "input", "dimensions", "input_type", "title", "vendor_params"}


def write_batch_request(request: EmbeddingRequest, target: Target) -> WireRequest:
    """Write a batch, which holds a single text too."""
    drops = DropList(target)
    params = drops.without_dropped(request)
    shared = _write_params(params, drops)
    shared.update((params.get("vendor_params") or {}).get(target.vendor) or {})
    model = f"models/{target.model.removeprefix('models/')}"
    requests = [{"model": model, "content": {"parts": [{"text": text}]}, **shared} for text in _texts(request)]
    return WireRequest(body={"requests": requests}, path=f"/{model}:batchEmbedContents", dropped=drops.dropped)


def _write_params(params: JsonObject, drops: DropList) -> JsonObject:
    """Return the parameters that the requests of a batch share; report those that Google does not have."""
    shared: JsonObject = {}
    if params.get("dimensions") is not None:
        shared["outputDimensionality"] = params["dimensions"]
    input_type = params.get("input_type")
    if input_type:
        shared["taskType"] = _TASKS.get(input_type.lower(), input_type.upper())
    if params.get("title"):
        shared["title"] = params["title"]
    for name, value in params.items():
        if name in _IGNORED and value not in (None, "float"):
            drops.degraded(name)
        elif name not in _WRITTEN and value is not None:
            drops.unsupported(name)
    return shared


def _texts(request: EmbeddingRequest) -> list[str]:
    value: Any = request.get("input")
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise bad("input", "expected a text or texts")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise bad(f"input[{index}]", "Google takes texts, no token numbers")
    return texts


def read_single_request(body: JsonObject, hints: RequestHints) -> EmbeddingRequest:
    entry = fields(body, "")
    request: EmbeddingRequest = {"model": model_of(entry, hints), "input": _text(entry, "")}
    _read_params(request, entry)
    return request


def read_batch_request(body: JsonObject, hints: RequestHints) -> EmbeddingRequest:
    """Read a batch. Raise `BadRequestError` where its requests differ in more than their text."""
    batch = fields(body, "")
    entries = [
        fields(entry, f"requests[{index}]") for index, entry in enumerate(items(batch.get("requests"), "requests"))
    ]
    if not entries:
        raise bad("requests", "no requests", code="missing_required_parameter")
    texts = [_text(entry, f"requests[{index}].") for index, entry in enumerate(entries)]
    rests = [{key: value for key, value in entry.items() if key not in ("content", "model")} for entry in entries]
    for index, rest in enumerate(rests):
        if rest != rests[0]:
            raise bad(f"requests[{index}]", "all requests of a batch must have the same parameters")
    request: EmbeddingRequest = {"model": model_of(entries[0], hints), "input": texts}
    _read_params(request, rests[0])
    return request


def _text(entry: JsonObject, path: str) -> str:
    where = f"{path}content"
    if "content" not in entry:
        raise bad(where, "no content", code="missing_required_parameter")
    content = entry["content"]
    if isinstance(content, str):
        return content
    texts = []
    for index, part in enumerate(items(fields(content, where).get("parts"), f"{where}.parts")):
        part_fields = fields(part, f"{where}.parts[{index}]")
        if "text" not in part_fields:
            raise bad(f"{where}.parts[{index}]", "only text can be embedded here")
        texts.append(expect_str(part_fields["text"], f"{where}.parts[{index}].text"))
    return "\n".join(texts)


def _read_params(request: EmbeddingRequest, entry: JsonObject) -> None:
    extra = {key: value for key, value in entry.items() if key not in ("content", "model")}
    if "outputDimensionality" in extra:
        request["dimensions"] = expect(extra.pop("outputDimensionality"), int, "outputDimensionality")
    if "taskType" in extra:
        task = expect_str(extra.pop("taskType"), "taskType")
        request["input_type"] = _INPUT_TYPES.get(task, task)
    if "title" in extra:
        request["title"] = expect_str(extra.pop("title"), "title")
    if extra:
        request["vendor_params"] = {VENDOR: extra}


def read_embedding_response(body: JsonObject, context: ReplyContext) -> EmbeddingResponse:
    reply: Any = body  # it came from outside
    if isinstance(reply, dict) and "error" in reply:
        raise read_error(reply_of(reply, context))
    embeddings = reply.get("embeddings", reply.get("embedding")) if isinstance(reply, dict) else None
    entries = [embeddings] if isinstance(embeddings, dict) else embeddings
    if not isinstance(entries, list) or not all(_is_embedding(entry) for entry in entries):
        raise APIResponseValidationError(
            f"{context.provider}: the reply holds no embeddings",
            provider=context.provider,
            model=context.model,
            body=shown(body),
        )
    data: list[Embedding] = [
        {"object": "embedding", "index": index, "embedding": entry["values"]} for index, entry in enumerate(entries)
    ]
    usage = read_embedding_usage(body) or _from_statistics(entries)
    return {"object": "list", "model": context.model, "data": data, "usage": usage}


def _is_embedding(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("values"), list)


def read_embedding_usage(body: JsonObject) -> TokenUsage | None:
    """Return the usage, which Vertex AI reports and the Gemini API does not."""
    usage = read_usage(body.get("usageMetadata"))
    if usage is not None:
        usage.pop("completion_tokens", None)
    return usage


def _from_statistics(entries: list[Any]) -> TokenUsage:
    counts = [(entry.get("statistics") or {}).get("tokenCount") for entry in entries]
    total = int(sum(count for count in counts if isinstance(count, int | float)))
    return {"prompt_tokens": total, "total_tokens": total}


def write_single_response(response: EmbeddingResponse, context: ReplyStyle) -> JsonObject:
    embeddings = _embeddings(response)
    return {"embedding": embeddings[0] if embeddings else {"values": []}}


def write_batch_response(response: EmbeddingResponse, context: ReplyStyle) -> JsonObject:
    return {"embeddings": _embeddings(response)}


def _embeddings(response: EmbeddingResponse) -> list[JsonObject]:
    ordered = sorted(response.get("data") or (), key=lambda entry: entry.get("index", 0))
    return [{"values": _floats(entry["embedding"])} for entry in ordered]


def _floats(vector: list[float] | str) -> list[float]:
    if not isinstance(vector, str):
        return vector
    try:
        raw = b64decode(vector)
    except binascii.Error:
        return []
    return list(struct.unpack(f"<{len(raw) // 4}f", raw[: len(raw) // 4 * 4]))
