"""The path at which LiteLLM's users import these names."""

from __future__ import annotations

from typing import NoReturn

from dragoman.litellm.unsupported import absent
from dragoman.sdk.assemble import stream_chunk_builder
from dragoman.sdk.functions import acompletion, aembedding, atext_completion, completion, embedding, text_completion
from dragoman.sdk.streams import CustomStreamWrapper
from dragoman.sdk.tokens import create_tokenizer, decode, encode, token_counter
from dragoman.types.results import (
    ChatCompletionMessageToolCall,
    Choices,
    Delta,
    EmbeddingResponse,
    Function,
    Message,
    ModelResponse,
    ModelResponseStream,
    StreamingChoices,
    TextChoices,
    TextCompletionResponse,
    Usage,
)

__all__ = [
    "ChatCompletionMessageToolCall",
    "Choices",
    "CustomStreamWrapper",
    "Delta",
    "EmbeddingResponse",
    "Function",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "Usage",
    "acompletion",
    "aembedding",
    "atext_completion",
    "completion",
    "create_tokenizer",
    "decode",
    "embedding",
    "encode",
    "stream_chunk_builder",
    "text_completion",
    "token_counter",
]


def __getattr__(name: str) -> NoReturn:
    raise absent(__name__, name, __all__)
