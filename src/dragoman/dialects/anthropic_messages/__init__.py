"""Anthropic's Messages: a client of Anthropic, and a server to Anthropic's SDKs and Claude Code.

What is equal on this wire and is not told apart (the defaults of a round trip): a lone text block and a string; a neighbour of
the same role and one turn; `output_format` and `output_config.format`; a tool's `type: custom`, `strict: false`, a
`caller: {"type": "direct"}` and any null, and their absence. Results of tools are moved to the start of their turn.
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.anthropic_messages.count_tokens import (
    read_count,
    read_count_request,
    write_count,
    write_count_request,
)
from dragoman.dialects.anthropic_messages.errors import read_error, write_error
from dragoman.dialects.anthropic_messages.model_list import write_model, write_model_list
from dragoman.dialects.anthropic_messages.relay import has_answer, stream_relay
from dragoman.dialects.anthropic_messages.request_read import read_request
from dragoman.dialects.anthropic_messages.request_write import DEFAULT_MAX_TOKENS, relay_request, write_request
from dragoman.dialects.anthropic_messages.response_read import read_response
from dragoman.dialects.anthropic_messages.response_write import write_response
from dragoman.dialects.anthropic_messages.stream_read import stream_reader
from dragoman.dialects.anthropic_messages.stream_write import stream_writer
from dragoman.dialects.anthropic_messages.usage import usage_from_body
from dragoman.dialects.anthropic_messages.vendor import NAME, VENDOR
from dragoman.dialects.codec import Codec
from dragoman.dialects.dialect import CallerRoute, Dialect, Endpoint
from dragoman.dialects.signatures import SEAL_MARK
from dragoman.types import operations
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.token_count import TokenCount, TokenCountRequest

__all__ = ["CODEC", "COUNT_TOKENS", "DEFAULT_MAX_TOKENS", "DIALECT"]

CODEC: Codec[ChatRequest, ChatResponse, ChatChunk] = Codec(
    dialect=NAME,
    operation=operations.CHAT,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_error=read_error,
    write_error=write_error,
    stream_reader=stream_reader,
    stream_writer=stream_writer,
    stream_relay=stream_relay,
    relay_request=relay_request,
    read_usage=usage_from_body,
    has_answer=has_answer,
    foreign_marks=(SEAL_MARK,),
    continues_prefill=True,
)

COUNT_TOKENS: Codec[TokenCountRequest, TokenCount, Any] = Codec(
    dialect=NAME,
    operation=operations.COUNT_TOKENS,
    read_request=read_count_request,
    write_request=write_count_request,
    read_response=read_count,
    write_response=write_count,
    read_error=read_error,
    write_error=write_error,
    relay_request=relay_request,
    foreign_marks=(SEAL_MARK,),
)

DIALECT = Dialect(
    name=NAME,
    short_name="anthropic",
    vendor=VENDOR,
    endpoints={
        "chat": Endpoint(CODEC, "/v1/messages"),
        "count_tokens": Endpoint(COUNT_TOKENS, "/v1/messages/count_tokens"),
    },
    usual_operations=("chat", "count_tokens"),
    bases=("/v1",),
    routes=(
        CallerRoute(path="/messages", codec=CODEC, marker="messages"),
        CallerRoute(path="/messages/count_tokens", codec=COUNT_TOKENS),
    ),
    own_paths=("/v1/messages",),
    client_headers=("anthropic-version",),
    write_error=write_error,
    # https://docs.claude.com/en/api/errors: `overloaded_error` is 529, and the SDK has a class for it.
    statuses={408: 504, 503: 529},  # https://platform.claude.com/docs/en/api/errors
    request_id_header=b"request-id",
    hint_headers=("anthropic-version", "anthropic-beta"),
    semantic_headers=("anthropic-beta",),
    usage_takes_cost=True,
    model_lists=("/v1/models", "/models"),
    write_model=write_model,
    write_model_list=write_model_list,
)
