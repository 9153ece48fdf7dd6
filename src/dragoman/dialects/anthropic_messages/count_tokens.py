"""Counting the tokens of a request: https://platform.claude.com/docs/en/api/messages-count-tokens"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from dragoman.dialects.anthropic_messages.errors import error_in_body, invalid_shape
from dragoman.dialects.anthropic_messages.request_read import read_chat
from dragoman.dialects.anthropic_messages.request_write import write_request
from dragoman.dialects.codec import ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject
from dragoman.types.token_count import TokenCount, TokenCountRequest

__all__ = ["read_count", "read_count_request", "write_count", "write_count_request"]

_COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
    | {"mcp_servers", "context_management", "speed", "user_profile_id", "workspace_id"}
)
"""The fields that the endpoint takes. The rest of a request makes no tokens of input."""


def read_count_request(body: JsonObject, hints: RequestHints) -> TokenCountRequest:
    chat = read_chat(body, hints)
    return {"model": chat["model"], "chat": chat}


def write_count_request(request: TokenCountRequest, target: Target) -> WireRequest:
    """Write the same body as for the answer, so that the same is counted. What cannot be sent is not counted either: nothing is
    refused here that the answer itself would refuse."""
    chat = cast(ChatRequest, dict(request.get("chat") or {}) | {"model": request.get("model", target.model)})
    written = write_request(chat, replace(target, drop_params=True, stream=False))
    return replace(written, body={key: value for key, value in written.body.items() if key in _COUNTED})


def read_count(body: JsonObject, context: ReplyContext) -> TokenCount:
    if "error" in body:
        raise error_in_body(body, context)
    counted = body.get("input_tokens")
    if not isinstance(counted, int) or isinstance(counted, bool):
        raise invalid_shape("no input_tokens")
    return {"input_tokens": counted, "estimated": False}


def write_count(count: TokenCount, _: ReplyStyle) -> JsonObject:
    return {"input_tokens": count.get("input_tokens", 0)}
