"""Bring the result of a user's function or a mock, in any form that people write, into the hub's shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dragoman.dialects.codec import ReplyContext
from dragoman.errors import APIResponseValidationError
from dragoman.types.chat import ChatChunk, ChatResponse
from dragoman.types.embeddings import EmbeddingResponse
from dragoman.types.operations import CHAT, COUNT_TOKENS, EMBEDDING, Operation
from dragoman.types.usage import TokenUsage

__all__ = ["chunk_of", "chunks_of_response", "plain", "response_of"]

_PIECE = re.compile(r"\S+\s*|\s+")
_HEAD = ("id", "created", "model")


def plain(value: Any) -> Any:
    """Return a pydantic object as a dict, and everything else as it is."""
    dump = getattr(value, "model_dump", None)
    return dump(exclude_none=True) if callable(dump) and not isinstance(value, type) else value


def response_of(value: Any, operation: Operation, context: ReplyContext) -> Any:
    """Return the hub's response for `operation`. Raise `APIResponseValidationError` for a value that cannot be one."""
    value = plain(value)
    form: Callable[[Any, ReplyContext], Any] = _FORMS.get(operation, _object)
    response = form(value, context)
    if response is None:
        raise APIResponseValidationError(
            f"a {type(value).__name__} is no answer to a call for {operation.label}",
            provider=context.provider,
            model=context.model,
        )
    return response


def _chat(value: Any, context: ReplyContext) -> ChatResponse | None:
    value = _with_choices(value)
    if value is None:
        return None
    response: ChatResponse = {
        "id": context.reply_id,
        "object": "chat.completion",
        "created": context.created,
        "model": context.model,
        "choices": [],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    response.update(_filled_in(value))  # type: ignore[typeddict-item]
    response["choices"] = [_finished(choice) for choice in response["choices"]]
    return response


def _with_choices(value: Any) -> Mapping[str, Any] | None:
    """Return a text, a message or a response as a mapping with `choices`; None: it is none of them."""
    if isinstance(value, (list, tuple)) and all(isinstance(piece, str) for piece in value):
        value = "".join(value)
    if isinstance(value, str):
        value = {"content": value}
    if not isinstance(value, Mapping):
        return None
    if "choices" not in value:
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": None, **value}}]}
    return {**value, "choices": [_with_message(choice) for choice in value["choices"]]}


def _with_message(choice: Any) -> Any:
    """Return a choice of a text completion as one of a chat."""
    if isinstance(choice, Mapping) and "text" in choice and "message" not in choice:
        return {**choice, "message": {"role": "assistant", "content": choice["text"]}}
    return choice


def _filled_in(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is filled in of a response: an empty `ModelResponse()` that a function completes has `id=""` and `created=0`."""
    return {name: item for name, item in value.items() if item is not None and (item or name not in _HEAD)}


def _finished(choice: Any) -> Any:
    if not isinstance(choice, Mapping) or choice.get("finish_reason"):
        return choice
    return {**choice, "finish_reason": "tool_calls" if (choice.get("message") or {}).get("tool_calls") else "stop"}


def _embedding(value: Any, context: ReplyContext) -> EmbeddingResponse | None:
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        vectors = value if isinstance(value[0], Sequence) else [value]
        value = {"data": [{"object": "embedding", "index": n, "embedding": list(v)} for n, v in enumerate(vectors)]}
    if not isinstance(value, Mapping) or "data" not in value:
        return None
    response: EmbeddingResponse = {"object": "list", "model": context.model, "data": []}
    response["usage"] = {"prompt_tokens": 0, "total_tokens": 0}
    response.update(_filled_in(value))  # type: ignore[typeddict-item]
    return response


def _count(value: Any, context: ReplyContext) -> dict[str, Any] | None:
    if isinstance(value, int):
        return {"input_tokens": value, "estimated": True}
    return dict(value) if isinstance(value, Mapping) and "input_tokens" in value else None


def _object(value: Any, context: ReplyContext) -> dict[str, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None


_FORMS: Mapping[Operation, Callable[[Any, ReplyContext], Any]] = MappingProxyType(
    {CHAT: _chat, EMBEDDING: _embedding, COUNT_TOKENS: _count}
)
"""Operation -> what its response is response of; a response of another operation is taken as it is."""


def chunk_of(value: Any, context: ReplyContext) -> Iterator[ChatChunk]:
    """Yield the hub's chunks for one piece of a stream: a text, a chunk, or LiteLLM's `GenericStreamingChunk`."""
    value = plain(value)
    if isinstance(value, str):
        yield _chunk(context, {"content": value}, None)
    elif isinstance(value, Mapping) and "choices" in value:
        yield from _own_chunk(value, context)
    elif isinstance(value, Mapping) and ("text" in value or "is_finished" in value):
        yield from _generic_chunk(value, context)
    else:
        raise APIResponseValidationError(
            f"a {type(value).__name__} is no chunk of a stream", provider=context.provider, model=context.model
        )


def _own_chunk(value: Mapping[str, Any], context: ReplyContext) -> Iterator[ChatChunk]:
    """Yield a whole chunk. Usage beside choices goes into a chunk of its own, where the hub has it."""
    head = {
        "id": context.reply_id,
        "object": "chat.completion.chunk",
        "created": context.created,
        "model": context.model,
    }
    chunk: Any = {**head, **_filled_in(value)}
    usage = chunk.pop("usage", None)
    if chunk["choices"]:
        yield chunk
    if usage:
        yield _usage_chunk(context, usage)


def _generic_chunk(value: Mapping[str, Any], context: ReplyContext) -> Iterator[ChatChunk]:
    delta: dict[str, Any] = {}
    if value.get("text"):
        delta["content"] = value["text"]
    if value.get("tool_use"):
        delta["tool_calls"] = [{"index": 0, "type": "function", **value["tool_use"]}]
    reason = (value.get("finish_reason") or "stop") if value.get("is_finished") else None
    if delta or reason:
        yield _chunk(context, delta, reason, int(value.get("index") or 0))
    if value.get("usage"):
        yield _usage_chunk(context, value["usage"])


def chunks_of_response(response: ChatResponse, context: ReplyContext) -> Iterator[ChatChunk]:
    """Yield a whole response as the stream that it could have been, its text word by word."""
    for choice in response.get("choices") or ():
        index = choice.get("index", 0)
        message: dict[str, Any] = dict(choice.get("message") or {})
        content, calls = message.pop("content", None), message.pop("tool_calls", None)
        yield _chunk(context, {**message, "role": "assistant", "content": ""}, None, index)
        for piece in _PIECE.findall(content or ""):
            yield _chunk(context, {"content": piece}, None, index)
        for position, call in enumerate(calls or ()):
            yield _chunk(context, {"tool_calls": [{**call, "index": position}]}, None, index)
        yield _chunk(context, {}, choice.get("finish_reason") or "stop", index)
    usage = response.get("usage")
    if usage:
        yield _usage_chunk(context, usage)


def _chunk(context: ReplyContext, delta: Mapping[str, Any], reason: Any, index: int = 0) -> ChatChunk:
    return {
        "id": context.reply_id,
        "object": "chat.completion.chunk",
        "created": context.created,
        "model": context.model,
        "choices": [{"index": index, "delta": dict(delta), "finish_reason": reason}],  # type: ignore[typeddict-item]
    }


def _usage_chunk(context: ReplyContext, usage: TokenUsage) -> ChatChunk:
    chunk = _chunk(context, {}, None)
    chunk["choices"] = []
    chunk["usage"] = usage
    return chunk
