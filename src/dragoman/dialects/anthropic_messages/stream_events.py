"""The events of Anthropic's streams: https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

import orjson

from dragoman.dialects.anthropic_messages.errors import invalid_shape
from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.framing.sse import write_event
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.json_text import dump_json
from dragoman.errors import APIConnectionError
from dragoman.types.json import JsonObject

__all__ = ["end_of_stream", "event_bytes", "parse_event"]

_DONE = b"[DONE]"
"""OpenAI's end mark, which gateways in front of Anthropic add."""


def parse_event(data: bytes) -> JsonObject:
    """An event's data; empty for the end mark of another dialect."""
    if data.strip() == _DONE:
        return {}
    try:
        parsed = loads(data)
    except orjson.JSONDecodeError:
        raise invalid_shape("an event is not JSON") from None
    if not isinstance(parsed, dict):
        raise invalid_shape("an event is no object")
    return parsed


def end_of_stream(context: ReplyContext) -> APIConnectionError:
    """The error for a stream without its `message_stop`."""
    return APIConnectionError(
        f"{context.provider} broke the stream off before its end", provider=context.provider, model=context.model
    )


def event_bytes(event: JsonObject) -> bytes:
    return write_event(dump_json(event).encode("utf-8", "replace"), event["type"].encode())
