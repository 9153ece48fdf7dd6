"""The provider's word for why it stopped -> OpenAI's closed set."""

from __future__ import annotations

import re
from typing import Any, cast

from dragoman.types.chat import FinishReason

__all__ = ["failure_word", "finish_reason"]

_CLOSED: frozenset[str] = frozenset(("stop", "length", "tool_calls", "content_filter", "function_call"))
_WORDS: dict[str, FinishReason] = {
    "max_tokens": "length",
    "max_output_tokens": "length",
    "max_length": "length",
    "model_length": "length",  # Mistral
    "model_context_window_exceeded": "length",  # Z.ai, Anthropic
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "sensitive": "content_filter",  # Z.ai
    "safety": "content_filter",
    "refusal": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "guardrail_intervened": "content_filter",
}
_FAILURES = frozenset(("error", "network_error", "insufficient_system_resource"))
"""Mistral and OpenRouter, Z.ai, DeepSeek: the model broke off, and what came is not an answer."""


_LEADING_WORD = re.compile(r"[a-z_]+")


def failure_word(word: Any) -> bool:
    """Whether the word says that the provider failed."""
    return _leading_word(word) in _FAILURES


def finish_reason(word: Any, *, called: bool, json_answer: bool = False) -> FinishReason:
    """Return OpenAI's word. `called`: the choice holds tool calls, beside which some providers say `stop` (Gemini, Ollama).
    `json_answer`: a tool that stood in for structured output was called, and the caller must not see that."""
    leading = _leading_word(word)
    reason = cast(FinishReason, leading) if leading in _CLOSED else _WORDS.get(leading, "stop")
    if reason == "stop" and called:
        return "tool_calls"
    if reason == "tool_calls" and json_answer and not called:
        return "stop"
    return reason


def _leading_word(word: Any) -> str:
    """Return the reason itself, where details follow it (`content_filter: RECITATION`), in one spelling."""
    if not isinstance(word, str):
        return ""
    match = _LEADING_WORD.match(word.strip().lower().replace("-", "_"))
    return match.group() if match else ""
