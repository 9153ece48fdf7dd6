"""The hub's text completions (the older /v1/completions): OpenAI's shape."""

from __future__ import annotations

from typing import Any, TypedDict

from dragoman.types.usage import TokenUsage

__all__ = ["TextChoice", "TextCompletion", "TextCompletionRequest"]


class TextCompletionRequest(TypedDict, total=False):
    model: str
    prompt: str | list[str] | list[int] | list[list[int]]
    suffix: str
    max_tokens: int
    temperature: float
    top_p: float
    n: int
    best_of: int
    echo: bool
    logprobs: int
    logit_bias: dict[str, int]
    presence_penalty: float
    frequency_penalty: float
    stop: str | list[str]
    seed: int
    stream: bool
    stream_options: dict[str, Any]
    user: str


class TextChoice(TypedDict, total=False):
    index: int
    text: str
    logprobs: dict[str, Any] | None
    finish_reason: str | None


class TextCompletion(TypedDict, total=False):
    """A whole completion, or one chunk of a streamed one: OpenAI gives both the same shape."""

    id: str
    object: str
    created: int
    model: str
    choices: list[TextChoice]
    usage: TokenUsage | None
    system_fingerprint: str | None
