"""Google's dialect (generateContent), of the Gemini API and of Vertex AI: https://ai.google.dev/api/generate-content.

What a round trip changes, because one side has no other word for it: names of fields become camelCase and null fields go;
types of schemas become lower case and go as JSON Schema; neighbouring unsigned texts of a model's turn become one; neighbouring
turns of one role become one; calls and results without an id get one; base64url becomes base64; audio/mp3 becomes audio/mpeg;
roles of the system instruction and `thought: false` go.
A prompt that Google blocked is a `ContentPolicyViolationError` (400), in a whole reply and in a stream alike.
"""

from __future__ import annotations

from dragoman.dialects.codec import Codec
from dragoman.dialects.dialect import CallerRoute, Dialect, Endpoint
from dragoman.dialects.gemini.accent import GEMINI_API, VERTEX_AI, GeminiAccent
from dragoman.dialects.gemini.count_tokens import (
    read_count_request,
    read_count_response,
    write_count_request,
    write_count_response,
)
from dragoman.dialects.gemini.embeddings import (
    read_batch_request,
    read_embedding_response,
    read_embedding_usage,
    read_single_request,
    write_batch_request,
    write_batch_response,
    write_single_response,
)
from dragoman.dialects.gemini.errors import read_error, write_error
from dragoman.dialects.gemini.model_list import write_model, write_model_list
from dragoman.dialects.gemini.relay import GeminiStreamRelay, has_answer
from dragoman.dialects.gemini.request_read import read_request
from dragoman.dialects.gemini.request_write import relay_request, write_request
from dragoman.dialects.gemini.response_read import read_reply_usage, read_response
from dragoman.dialects.gemini.response_write import write_response
from dragoman.dialects.gemini.stream_read import GeminiStreamReader
from dragoman.dialects.gemini.stream_write import GeminiStreamWriter
from dragoman.dialects.gemini.vendor import NAME, VENDOR
from dragoman.dialects.signatures import SEAL_MARK
from dragoman.types import operations
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.embeddings import EmbeddingRequest, EmbeddingResponse
from dragoman.types.token_count import TokenCount, TokenCountRequest

__all__ = [
    "BATCH_EMBED_CONTENTS",
    "CODEC",
    "COUNT_TOKENS",
    "DIALECT",
    "EMBED_CONTENT",
    "GEMINI_API",
    "VERTEX_AI",
    "GeminiAccent",
]

CODEC: Codec[ChatRequest, ChatResponse, ChatChunk] = Codec(
    dialect=NAME,
    operation=operations.CHAT,
    read_request=read_request,
    write_request=write_request,
    read_response=read_response,
    write_response=write_response,
    read_error=read_error,
    write_error=write_error,
    stream_reader=GeminiStreamReader,
    stream_writer=GeminiStreamWriter,
    stream_relay=GeminiStreamRelay,
    relay_request=relay_request,
    read_usage=read_reply_usage,
    has_answer=has_answer,
    foreign_marks=(SEAL_MARK,),
)
BATCH_EMBED_CONTENTS: Codec[EmbeddingRequest, EmbeddingResponse, None] = Codec(
    dialect=NAME,
    operation=operations.EMBEDDING,
    read_request=read_batch_request,
    write_request=write_batch_request,
    read_response=read_embedding_response,
    write_response=write_batch_response,
    read_error=read_error,
    write_error=write_error,
    read_usage=read_embedding_usage,
    has_answer=lambda body: bool(body.get("embeddings")),
)
EMBED_CONTENT: Codec[EmbeddingRequest, EmbeddingResponse, None] = Codec(
    dialect=NAME,
    operation=operations.EMBEDDING,
    read_request=read_single_request,
    write_request=write_batch_request,
    read_response=read_embedding_response,
    write_response=write_single_response,
    read_error=read_error,
    write_error=write_error,
    read_usage=read_embedding_usage,
    has_answer=lambda body: bool(body.get("embedding")),
)
COUNT_TOKENS: Codec[TokenCountRequest, TokenCount, None] = Codec(
    dialect=NAME,
    operation=operations.COUNT_TOKENS,
    read_request=read_count_request,
    write_request=write_count_request,
    read_response=read_count_response,
    write_response=write_count_response,
    read_error=read_error,
    write_error=write_error,
)

DIALECT = Dialect(
    name=NAME,
    short_name="gemini",
    vendor=VENDOR,
    endpoints={
        "chat": Endpoint(CODEC, "/models/{model}:generateContent"),
        "embedding": Endpoint(BATCH_EMBED_CONTENTS, "/models/{model}:batchEmbedContents"),
        "count_tokens": Endpoint(COUNT_TOKENS, "/models/{model}:countTokens"),
    },
    usual_operations=("chat", "embedding", "count_tokens"),
    accent_type=GeminiAccent,
    accents={"gemini": GEMINI_API, "vertex": VERTEX_AI},
    bases=("/v1beta", "/v1alpha", "/v1", ""),
    routes=(
        CallerRoute(path="/models/{model}:generateContent", codec=CODEC, stream=False, marker="contents"),
        CallerRoute(path="/models/{model}:streamGenerateContent", codec=CODEC, stream=True),
        CallerRoute(path="/models/{model}:countTokens", codec=COUNT_TOKENS, stream=False),
        CallerRoute(path="/models/{model}:embedContent", codec=EMBED_CONTENT, stream=False, marker="content"),
        CallerRoute(
            path="/models/{model}:batchEmbedContents", codec=BATCH_EMBED_CONTENTS, stream=False, marker="requests"
        ),
    ),
    own_paths=("/v1beta", "/v1alpha"),
    statuses={408: 504},
    client_headers=("x-goog-api-key",),
    key_parameter="key",
    write_error=write_error,
    # google-genai takes every line that is neither empty nor `data:` for a piece of JSON, and fails at a comment:
    # https://github.com/googleapis/python-genai/blob/main/google/genai/_api_client.py. In an array it is white space.
    keep_alive_bytes=b"\n",
    # Its client refuses fields that it does not know.
    usage_takes_cost=False,
    model_lists=("/v1beta/models", "/v1alpha/models", "/v1/models", "/models"),
    write_model=write_model,
    write_model_list=write_model_list,
)
