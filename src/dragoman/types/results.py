"""What the SDK hands out: typed results with attribute access, `["item"]` access and `model_dump()`, unknown fields kept.

The shapes are OpenAI's, with the hub's extensions (see `types/chat.py`). What a provider left out reads as None. This module
imports pydantic, so it is imported on first use only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

__all__ = [
    "ChatCompletionMessageToolCall",
    "Choices",
    "CompletionTokensDetails",
    "Delta",
    "DeltaToolCall",
    "EmbeddingData",
    "EmbeddingResponse",
    "Function",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "PromptTokensDetails",
    "Record",
    "Result",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "TokenCountResponse",
    "Usage",
]


class Record(BaseModel):
    """A typed view of a JSON object that also reads like a dict."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    def __getitem__(self, key: str) -> Any:
        if key in self:
            return getattr(self, key)
        raise KeyError(key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __contains__(self, key: object) -> bool:
        return key in type(self).model_fields or key in (self.model_extra or ())

    def get(self, key: str, default: Any = None) -> Any:
        """As `dict.get`; a field that the provider left out gives `default` too."""
        value = getattr(self, key, None) if key in self else None
        return default if value is None else value

    def keys(self) -> Iterator[str]:
        yield from type(self).model_fields
        yield from self.model_extra or ()

    def to_dict(self) -> dict[str, Any]:
        """Only what is there: fields that were left out or are None stay out."""
        return self.model_dump(exclude_none=True)

    def json(self, **options: Any) -> str:
        """The same as `model_dump_json()`, under the name that older code uses."""
        return self.model_dump_json(**options)


class Result(Record):
    """A result, with what is known about the call beside it."""

    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def dropped_params(self) -> tuple[str, ...]:
        """The parameters that the provider could not express and that were left out, as `drop_params` allowed."""
        return tuple(self._hidden_params.get("dropped_params", ()))


class Function(Record):
    name: str | None = None
    arguments: str = ""
    """JSON text, as the model wrote it."""


class ChatCompletionMessageToolCall(Record):
    id: str | None = None
    type: str | None = "function"
    function: Function = Field(default_factory=Function)


class DeltaToolCall(Record):
    index: int = 0
    id: str | None = None
    type: str | None = None
    function: Function = Field(default_factory=Function)


class Message(Record):
    content: str | None = None
    role: str = "assistant"
    tool_calls: list[ChatCompletionMessageToolCall] | None = None
    function_call: Function | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    """The text of the reasoning, where the provider shows it."""
    thinking_blocks: list[dict[str, Any]] | None = None
    """The reasoning with its opaque signatures: send them back with the next turn, as they are."""
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None
    images: list[dict[str, Any]] | None = None
    provider_specific_fields: dict[str, Any] | None = None


class Delta(Record):
    content: str | None = None
    role: str | None = None
    tool_calls: list[DeltaToolCall] | None = None
    function_call: Function | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    thinking_blocks: list[dict[str, Any]] | None = None
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None
    images: list[dict[str, Any]] | None = None
    provider_specific_fields: dict[str, Any] | None = None


class Choices(Record):
    finish_reason: str | None = None
    """stop, length, tool_calls, content_filter or function_call; the provider's own word is in `native_finish_reason`."""
    index: int = 0
    message: Message = Field(default_factory=Message)
    logprobs: dict[str, Any] | None = None
    provider_specific_fields: dict[str, Any] | None = None


class StreamingChoices(Record):
    finish_reason: str | None = None
    index: int = 0
    delta: Delta = Field(default_factory=Delta)
    logprobs: dict[str, Any] | None = None


class PromptTokensDetails(Record):
    cached_tokens: int | None = None
    audio_tokens: int | None = None
    cache_creation_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None


class CompletionTokensDetails(Record):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class Usage(Record):
    """Tokens. The totals include their details."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: PromptTokensDetails | None = None
    completion_tokens_details: CompletionTokensDetails | None = None


class ModelResponse(Result):
    """A whole chat completion."""

    id: str = ""
    created: int = 0
    model: str = ""
    object: str = "chat.completion"
    choices: list[Choices] = Field(default_factory=list[Choices])
    usage: Usage | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None


class ModelResponseStream(Result):
    """One chunk of a streamed chat completion."""

    id: str = ""
    created: int = 0
    model: str = ""
    object: str = "chat.completion.chunk"
    choices: list[StreamingChoices] = Field(default_factory=list[StreamingChoices])
    usage: Usage | None = None
    """Only in the last chunk, and only where `stream_options={"include_usage": True}` asked for it."""
    system_fingerprint: str | None = None
    service_tier: str | None = None


class EmbeddingData(Record):
    embedding: list[float] | str = Field(default_factory=list[float])
    """Floats, or base64 of little-endian float32 where `encoding_format="base64"` asked for it."""
    index: int = 0
    object: str = "embedding"


class EmbeddingResponse(Result):
    object: str = "list"
    model: str = ""
    data: list[EmbeddingData] = Field(default_factory=list[EmbeddingData])
    usage: Usage | None = None


class TextChoices(Record):
    text: str = ""
    index: int = 0
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None


class TextCompletionResponse(Result):
    """A whole text completion, or one chunk of a streamed one."""

    id: str = ""
    object: str = "text_completion"
    created: int = 0
    model: str = ""
    choices: list[TextChoices] = Field(default_factory=list[TextChoices])
    usage: Usage | None = None
    system_fingerprint: str | None = None


class TokenCountResponse(Result):
    total_tokens: int = 0
    request_model: str = ""
    model_used: str = ""
    estimated: bool = True
    """False where the provider itself counted."""
