"""OpenAI's embeddings, also of compatible providers. The hub has the same shape."""

from __future__ import annotations

from typing import Any, TypeGuard, cast

from dragoman.dialects.codec import Codec, ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.openai_chat.accent import accent_of
from dragoman.dialects.openai_chat.errors import raise_if_error, read_error, write_error
from dragoman.dialects.openai_chat.params_write import write_params
from dragoman.dialects.openai_chat.request_read import check_fields, read_model
from dragoman.dialects.openai_chat.response_read import invalid
from dragoman.dialects.openai_chat.usage import read_usage
from dragoman.dialects.validation import bad, expect, wrong_type
from dragoman.types.embeddings import EmbeddingRequest, EmbeddingResponse
from dragoman.types.json import JsonObject
from dragoman.types.operations import EMBEDDING
from dragoman.types.request_params import PARAM_TYPES
from dragoman.types.usage import TokenUsage

__all__ = ["CODEC", "check_input"]

_EXCLUDED = frozenset(("stream", "stream_options", "title"))


def _read_request(body: JsonObject, hints: RequestHints) -> EmbeddingRequest:
    request = check_fields(body, PARAM_TYPES["embedding"])
    request["model"] = read_model(body, hints)
    check_input(body.get("input"), "input")
    return cast(EmbeddingRequest, request)


def check_input(value: Any, path: str) -> None:
    """A string, an array of strings, an array of tokens, or an array of arrays of tokens."""
    if isinstance(value, str):
        return
    if not isinstance(value, list):
        raise wrong_type(path, "a string or an array", value)
    if not value:
        raise bad(path, "expected at least one item", code="empty_array")
    kind = type(value[0])
    if kind not in (str, int, list):
        raise wrong_type(f"{path}[0]", "a string, a token or an array of tokens", value[0])
    for index, item in enumerate(value):
        expect(item, kind, f"{path}[{index}]")
        for place, token in enumerate(item if kind is list else ()):
            expect(token, int, f"{path}[{index}][{place}]")


def _write_request(request: EmbeddingRequest, target: Target) -> WireRequest:
    """`input_type` goes through, for NVIDIA and others know it; OpenAI's own record says that it does not."""
    drops = DropList(target)
    params: JsonObject = drops.without_dropped(request)
    body = write_params(params, target, accent_of(target), drops, _EXCLUDED)
    if params.get("title"):
        drops.degraded("title")
    body.pop("stream", None)
    body.pop("stream_options", None)
    return WireRequest(body, dropped=drops.dropped)


def _read_response(body: JsonObject, context: ReplyContext) -> EmbeddingResponse:
    raise_if_error(body, context)
    data = body.get("data")
    if not _is_embeddings(data):
        raise invalid("an answer without embeddings", context, body)
    usage = _read_usage_of(body)
    response = {key: value for key, value in body.items() if key != "usage"}
    response["object"] = "list"
    response["model"] = body.get("model") or context.model
    response["data"] = [
        {**item, "object": "embedding", "index": item["index"] if type(item.get("index")) is int else position}
        for position, item in enumerate(data)
    ]
    if usage is not None:
        response["usage"] = usage
    return cast(EmbeddingResponse, response)


def _is_embeddings(data: Any) -> TypeGuard[list[JsonObject]]:
    return isinstance(data, list) and all(isinstance(item, dict) and "embedding" in item for item in data)


def _write_response(response: EmbeddingResponse, caller: ReplyStyle) -> JsonObject:
    usage: JsonObject = {"prompt_tokens": 0, "total_tokens": 0, **(response.get("usage") or {})}
    return {"object": "list", "model": caller.model, **response, "usage": usage}


def _read_usage_of(body: JsonObject) -> TokenUsage | None:
    """The usage of a whole answer; some servers tell only the total."""
    raw = body.get("usage")
    if not isinstance(raw, dict):
        return None
    if not raw.get("prompt_tokens") and not raw.get("completion_tokens"):
        raw = {**raw, "prompt_tokens": raw.get("total_tokens") or raw.get("input_tokens") or 0}
    return read_usage(raw)


CODEC: Codec[EmbeddingRequest, EmbeddingResponse, Any] = Codec(
    dialect="openai_embeddings",
    operation=EMBEDDING,
    read_request=_read_request,
    write_request=_write_request,
    read_response=_read_response,
    write_response=_write_response,
    read_error=read_error,
    write_error=write_error,
    relay_request=lambda body, target: WireRequest({**body, "model": target.model}),
    read_usage=_read_usage_of,
    has_answer=lambda body: bool(body.get("data")) and not body.get("error"),
    foreign_marks=(b'"vendor_params"', b'"input_type"', b'"title"'),
)
