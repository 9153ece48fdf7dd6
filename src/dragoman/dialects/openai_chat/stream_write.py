"""Write the streams of chat and text completions, for callers that speak the OpenAI dialect. The hub already has their shape."""

from __future__ import annotations

import orjson

from dragoman.dialects.codec import ReplyStyle
from dragoman.dialects.framing.sse import write_event
from dragoman.dialects.openai_chat.errors import write_error
from dragoman.errors import DragomanError
from dragoman.types.chat import ChatChunk
from dragoman.types.text_completion import TextCompletion

__all__ = ["DONE", "OpenAIStreamWriter"]

DONE = b"data: [DONE]\n\n"
"""The end mark of a stream: https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream"""


class OpenAIStreamWriter:
    """Write the chunks of one stream. Usage goes out in one last chunk, and only to a caller that requested it.

    https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options-include_usage
    """

    __slots__ = ("_include_usage",)

    def __init__(self, caller: ReplyStyle) -> None:
        self._include_usage = caller.include_usage

    def write(self, chunk: ChatChunk | TextCompletion) -> bytes:
        """Return the event of `chunk`, or nothing for a chunk whose only content is usage that the caller does not want."""
        if self._include_usage:
            return write_event(orjson.dumps(chunk if "usage" in chunk else {**chunk, "usage": None}))
        if "usage" not in chunk:
            return write_event(orjson.dumps(chunk))
        if not chunk.get("choices"):
            return b""
        return write_event(orjson.dumps({key: value for key, value in chunk.items() if key != "usage"}))

    def close(self) -> bytes:
        """Return the end mark."""
        return DONE

    def error(self, error: DragomanError) -> bytes:
        """Return the event on which the openai package raises in mid-stream. Nothing follows it, not even `[DONE]`."""
        return write_event(orjson.dumps(write_error(error)))
