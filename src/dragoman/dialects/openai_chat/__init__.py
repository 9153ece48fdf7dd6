"""OpenAI's Chat Completions, and the dialect of all providers that are compatible with it. The hub has the same shape."""

from __future__ import annotations

from dragoman.dialects.codec import Codec
from dragoman.dialects.dialect import CallerRoute, Dialect, Endpoint
from dragoman.dialects.openai_chat import completions, embeddings
from dragoman.dialects.openai_chat.accent import ChatAccent
from dragoman.dialects.openai_chat.accents import ACCENTS
from dragoman.dialects.openai_chat.errors import read_error, write_error
from dragoman.dialects.openai_chat.model_list import write_model, write_model_list
from dragoman.dialects.openai_chat.relay import FOREIGN_MARKS, OpenAIRelay, has_answer, relay_request
from dragoman.dialects.openai_chat.request_read import read_request
from dragoman.dialects.openai_chat.request_write import write_request
from dragoman.dialects.openai_chat.response_read import read_response, unary_usage
from dragoman.dialects.openai_chat.response_write import write_response
from dragoman.dialects.openai_chat.stream_read import ChatStreamReader
from dragoman.dialects.openai_chat.stream_write import OpenAIStreamWriter
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.operations import CHAT

__all__ = ["ACCENTS", "CODEC", "DIALECT", "ChatAccent"]

CODEC: Codec[ChatRequest, ChatResponse, ChatChunk] = Codec(
    dialect="openai_chat",
    operation=CHAT,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_error=read_error,
    write_error=write_error,
    stream_reader=ChatStreamReader,
    stream_writer=OpenAIStreamWriter,
    stream_relay=OpenAIRelay,
    relay_request=relay_request,
    read_usage=unary_usage,
    has_answer=has_answer,
    foreign_marks=FOREIGN_MARKS,
)

DIALECT = Dialect(
    name="openai_chat",
    short_name="openai",
    vendor="openai",
    endpoints={
        "chat": Endpoint(CODEC, "/chat/completions"),
        "text_completion": Endpoint(completions.CODEC, "/completions"),
        "embedding": Endpoint(embeddings.CODEC, "/embeddings"),
    },
    usual_operations=("chat", "text_completion", "embedding"),
    accent_type=ChatAccent,
    accents=ACCENTS,
    # The last three: where Azure's and OpenAI's older clients name the model in the address.
    # https://learn.microsoft.com/azure/ai-foundry/openai/reference
    bases=("/v1", "", "/openai/deployments/{model}", "/engines/{model}", "/v1/engines/{model}"),
    routes=(
        CallerRoute(path="/chat/completions", codec=CODEC, marker="messages"),
        CallerRoute(path="/embeddings", codec=embeddings.CODEC, marker="input"),
        CallerRoute(path="/completions", codec=completions.CODEC, marker="prompt"),
    ),
    options_in_body=True,
    write_error=write_error,
    usage_takes_cost=True,
    model_lists=("/v1/models", "/models"),
    write_model=write_model,
    write_model_list=write_model_list,
)
