"""A text completion at a provider that only chats: the prompt becomes a user's message, the answer the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from dragoman.dialects.drop_list import DropList
from dragoman.dialects.validation import bad
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.json import JsonObject
from dragoman.types.operations import CHAT, TEXT_COMPLETION, Operation
from dragoman.types.request_params import REQUEST_PARAMS
from dragoman.types.text_completion import TextCompletion, TextCompletionRequest

__all__ = ["STAND_INS", "StandIn", "chat_request", "text_chunk", "text_completion"]

_UNSUPPORTED = ("suffix", "echo", "best_of", "logprobs")
"""Parameters that a chat does not have. Its `logprobs` is true or false."""


def chat_request(request: TextCompletionRequest, drops: DropList) -> ChatRequest:
    """Return the chat that asks for the same.

    What a chat cannot express is left out and reported in `drops`. Raise `UnsupportedParamsError` if that is not allowed, and
    `BadRequestError` for more than one prompt.
    """
    chat: JsonObject = {key: value for key, value in request.items() if key not in ("prompt", *_UNSUPPORTED)}
    for key in _UNSUPPORTED:
        value = request.get(key)
        if value is not None and value not in REQUEST_PARAMS[TEXT_COMPLETION.name][key].neutral:
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
    """Return the answer as a text completion, which has no place for reasoning and tool calls."""
    return _with_texts(response, "message")


def text_chunk(chunk: ChatChunk) -> TextCompletion:
    """Return a chunk as one of a text completion; a chunk without text becomes one with an empty text."""
    return _with_texts(chunk, "delta")


def _with_texts(chat: Mapping[str, Any], part: str) -> TextCompletion:
    completion: JsonObject = {key: value for key, value in chat.items() if key != "choices"}
    completion["object"] = "text_completion"
    completion["choices"] = [
        {
            "index": choice.get("index", 0),
            "text": choice[part].get("content") or "",
            "logprobs": None,
            "finish_reason": choice.get("finish_reason"),
        }
        for choice in chat["choices"]
    ]
    return cast(TextCompletion, completion)


class StandIn(NamedTuple):
    """Another operation by which a provider is called that does not offer the one of the call."""

    operation: Operation
    write_request: Callable[[Any, DropList], Any]
    """The request for that operation, from the one of the call."""
    read_response: Callable[[Any], Any]
    """The response for the call, from that operation's."""
    read_chunk: Callable[[Any], Any]


STAND_INS: Mapping[Operation, StandIn] = MappingProxyType(
    {TEXT_COMPLETION: StandIn(CHAT, chat_request, text_completion, text_chunk)}
)
