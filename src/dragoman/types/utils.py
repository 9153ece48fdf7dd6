"""The path at which LiteLLM's users import the types of results, with its names for those that are called otherwise here."""

from __future__ import annotations

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
from dragoman.types.results import CompletionTokensDetails as CompletionTokensDetailsWrapper
from dragoman.types.results import DeltaToolCall as ChatCompletionDeltaToolCall
from dragoman.types.results import PromptTokensDetails as PromptTokensDetailsWrapper

__all__ = [
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "Choices",
    "CompletionTokensDetailsWrapper",
    "Delta",
    "EmbeddingResponse",
    "Function",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "PromptTokensDetailsWrapper",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "Usage",
]
