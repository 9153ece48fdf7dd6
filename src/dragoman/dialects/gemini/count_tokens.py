"""Read and write countTokens: https://ai.google.dev/api/tokens"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.error_details import reply_of, shown
from dragoman.dialects.gemini.errors import read_error
from dragoman.dialects.gemini.fields import fields
from dragoman.dialects.gemini.request_read import model_of, read_request
from dragoman.dialects.gemini.request_write import checked_request, write_body, write_context
from dragoman.dialects.validation import bad
from dragoman.errors import APIResponseValidationError
from dragoman.types.json import JsonObject
from dragoman.types.token_count import TokenCount, TokenCountRequest

__all__ = ["read_count_request", "read_count_response", "write_count_request", "write_count_response"]


def read_count_request(body: JsonObject, hints: RequestHints) -> TokenCountRequest:
    """Read `contents` beside the other fields (as Vertex AI has it), or a reply request in `generateContentRequest`."""
    outer = fields(body, "")
    inner = outer.get("generateContentRequest")
    if inner is not None and "contents" in outer:
        raise bad("generateContentRequest", "`contents` and `generateContentRequest` exclude each other")
    model = model_of(outer if inner is None else fields(inner, "generateContentRequest"), hints)
    request = read_request(outer if inner is None else inner, RequestHints(model=model, headers=hints.headers))
    return {"model": model, "chat": request}


def write_count_request(request: TokenCountRequest, target: Target) -> WireRequest:
    drops = DropList(target)
    counted: Any = {"model": target.model, **request["chat"]}  # the chat to count needs to name no model of its own
    chat = checked_request(counted, drops)
    context = write_context(chat, target, drops)
    body, _ = write_body(chat, context)
    model = f"models/{target.model.removeprefix('models/')}"
    if context.accent.wrapped_count and body.keys() != {"contents"}:
        body = {"generateContentRequest": {"model": model, **body}}
    return WireRequest(body=body, path=f"/{model}:countTokens", dropped=drops.dropped)


def read_count_response(body: JsonObject, context: ReplyContext) -> TokenCount:
    reply: Any = body  # it came from outside
    reply = reply if isinstance(reply, dict) else {"": reply}
    if "error" in reply:
        raise read_error(reply_of(reply, context))
    total = reply.get("totalTokens")
    if total is None and reply.keys() <= {"totalBillableCharacters", "promptTokensDetails"}:
        total = 0  # protobuf leaves zeros out
    if not isinstance(total, int) or isinstance(total, bool):
        raise APIResponseValidationError(
            f"{context.provider}: the reply holds no count",
            provider=context.provider,
            model=context.model,
            body=shown(body),
        )
    count: TokenCount = {"input_tokens": total, "estimated": False}
    cached = reply.get("cachedContentTokenCount")
    if isinstance(cached, int):
        count["cached_tokens"] = cached
    return count


def write_count_response(count: TokenCount, context: ReplyStyle) -> JsonObject:
    body: JsonObject = {"totalTokens": count.get("input_tokens", 0)}
    if count.get("cached_tokens"):
        body["cachedContentTokenCount"] = count["cached_tokens"]
    return body
