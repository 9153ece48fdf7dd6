"""A text completion asked of a provider that only chats: the prompt becomes a user's message, the answer the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from dragoman.dialects.drop_list import DropList
from dragoman.dialects.validation import bad
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.json import JsonObject
from dragoman.types.operations import CHAT, TEXT_COMPLETION, Operation
from dragoman.types.text_completion import TextCompletion, TextCompletionRequest

__all__ = ["STAND_INS", "StandIn", "chat_request", "text_chunk", "text_completion"]

_UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "suffix": (None, ""),
    "echo": (None, False),
    "best_of": (None, 1),
    "logprobs": (None,),
}
"""What a chat has no way to say -> the values that ask for nothing."""


def chat_request(request: TextCompletionRequest, drops: DropList | None = None) -> ChatRequest:
    """Raises `UnsupportedParamsError` for what a chat cannot express, or notes it in `drops` (needed then), and
    `BadRequestError` for more than one prompt."""
    chat: JsonObject = {key: value for key, value in request.items() if key not in ("prompt", *_UNSUPPORTED)}
    for key, nothing in _UNSUPPORTED.items():
        if request.get(key) in nothing:
            continue
        if drops is None:
            raise bad(key, "the model only chats, and a chat has no such parameter", code="unsupported_parameter")
        drops.unsupported(key, "the model only chats")
    chat["messages"] = [{"role": "user", "content": _prompt(request.get("prompt"))}]
    return cast(ChatRequest, chat)


def _prompt(prompt: Any) -> str:
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and all(isinstance(item, str) for item in prompt):
        raise bad("prompt", "the model only chats: give one prompt a call")
    raise bad("prompt", "the model only chats: give the prompt as text, not as tokens")


def text_completion(response: ChatResponse) -> TextCompletion:
    """The answer as a text completion; its reasoning and tool calls have no place there."""
    completion: JsonObject = {key: value for key, value in response.items() if key != "choices"}
    completion["object"] = "text_completion"
    completion["choices"] = [
        {
            "index": choice.get("index", 0),
            "text": choice["message"].get("content") or "",
            "logprobs": None,
            "finish_reason": choice.get("finish_reason"),
        }
        for choice in response["choices"]
    ]
    return cast(TextCompletion, completion)


def text_chunk(chunk: ChatChunk) -> TextCompletion:
    """The same for one chunk; one without text gives a chunk with an empty text."""
    completion: JsonObject = {key: value for key, value in chunk.items() if key != "choices"}
    completion["object"] = "text_completion"
    completion["choices"] = [
        {
            "index": choice.get("index", 0),
            "text": choice["delta"].get("content") or "",
            "logprobs": None,
            "finish_reason": choice.get("finish_reason"),
        }
        for choice in chunk["choices"]
    ]
    return cast(TextCompletion, completion)


class StandIn(NamedTuple):
    """Another operation by which a provider is asked that does not offer the one of the call."""

    operation: Operation
    write_request: Callable[[Any, DropList], Any]
    """The request for that operation, from the one of the call."""
    read_response: Callable[[Any], Any]
    """The response for the call, from that operation's."""
    read_chunk: Callable[[Any], Any]


STAND_INS: Mapping[Operation, StandIn] = MappingProxyType(
    {TEXT_COMPLETION: StandIn(CHAT, chat_request, text_completion, text_chunk)}
)
