"""Whether an answer has content. One without is a failure of the model, and another deployment takes over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.errors import APIResponseValidationError
from dragoman.routing.attempt.request import AttemptRequest

__all__ = ["has_content", "may_be_empty", "no_answer", "require_content"]

_CONTENT = (
    "content",
    "tool_calls",
    "reasoning_content",
    "thinking_blocks",
    "refusal",
    "function_call",
    "audio",
    "images",
    "annotations",
    "provider_tool_blocks",
)
_UNEXPLAINED = (None, "", "stop", "tool_calls", "function_call")
"""Finish reasons that do not explain why there is no content, unlike a limit or a filter."""
_EXPLAINED_NATIVELY = ("stop_sequence", "pause_turn", "compaction")
"""Anthropic's reasons to stop that explain it, and are OpenAI's `stop`:
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons"""
_LAST_WORD = ("tool", "function", "assistant")
"""After the result of a tool, or the beginning of its own answer, a model may have nothing to add:
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons"""


def has_content(chunks: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the model has begun to answer: a role alone is no content, a reason for having no content is."""
    return any(_has_content(choice, "delta") for chunk in chunks for choice in chunk.get("choices") or ())


def _has_content(choice: Mapping[str, Any], field: str) -> bool:
    message: Mapping[str, Any] = choice.get(field) or {}
    if choice.get("text") or any(message.get(name) for name in _CONTENT):
        return True
    return choice.get("finish_reason") not in _UNEXPLAINED or choice.get("native_finish_reason") in _EXPLAINED_NATIVELY


def may_be_empty(request: AttemptRequest) -> bool:
    """Whether an answer without content can be what the request asks for."""
    if not request.operation.generates:
        return False
    messages = request.hub_request.get("messages") or [{}]
    return bool(request.hub_request.get("stop")) or messages[-1].get("role") in _LAST_WORD


def require_content(request: AttemptRequest, response: Mapping[str, Any]) -> None:
    """Raise `APIResponseValidationError` for a whole answer without content."""
    operation = request.operation
    is_answered = not operation.answer_field or bool(response.get(operation.answer_field))
    if is_answered and operation.generates:
        is_answered = any(_has_content(choice, "message") for choice in response["choices"]) or may_be_empty(request)
    if not is_answered:
        raise no_answer(request)


def no_answer(request: AttemptRequest) -> APIResponseValidationError:
    """Return the error for a successful reply without content."""
    provider, model = request.deployment.provider.name, request.deployment.model
    return APIResponseValidationError(
        f"{provider} sent an answer without content", provider=provider, model=model, code="empty_answer"
    )
