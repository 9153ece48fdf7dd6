"""The dialects in which callers speak to the gateway, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.errors import DragomanError
from dragoman.types.json import JsonObject

__all__ = ["ANTHROPIC", "GEMINI", "OPENAI", "CallerDialect", "guess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerDialect:
    """What all endpoints of one dialect have in common."""

    name: str
    vendor: str
    """Whose signatures its own clients keep."""
    write_error: Callable[[DragomanError], JsonObject]
    request_id_header: bytes
    """Where its clients look for the id of a request."""
    hint_headers: tuple[str, ...] = ()
    """Headers that say something about the request."""
    meant_headers: tuple[str, ...] = ()
    """Those of them that change what the request means."""
    statuses: Mapping[int, int] = field(default_factory=dict)
    """Our status -> the one that the dialect's clients know for it."""
    sign_of_life: bytes = b": keep-alive\n\n"
    """What may stand between two events of a stream and means nothing to the dialect's clients."""
    usage_takes_cost: bool = False
    """Whether the `usage` of an event may hold a `cost` too, as LiteLLM's users expect it: clients keep fields that they do not
    know. Gemini's client refuses them."""


OPENAI = CallerDialect(
    name="openai_chat",
    vendor="openai",
    write_error=openai_chat.CODEC.write_error,
    request_id_header=b"x-request-id",
    usage_takes_cost=True,
)
ANTHROPIC = CallerDialect(
    name="anthropic_messages",
    vendor="anthropic",
    write_error=anthropic_messages.CODEC.write_error,
    request_id_header=b"request-id",
    hint_headers=("anthropic-version", "anthropic-beta"),
    meant_headers=("anthropic-beta",),
    # https://docs.claude.com/en/api/errors: `overloaded_error` is 529, and the SDK has a class for it.
    statuses={503: 529},
    usage_takes_cost=True,
)
GEMINI = CallerDialect(
    name="gemini",
    vendor="google",
    write_error=gemini.CODEC.write_error,
    request_id_header=b"x-request-id",
    # google-genai takes every line that is neither empty nor `data:` for a piece of JSON, and fails at a comment:
    # https://github.com/googleapis/python-genai/blob/main/google/genai/_api_client.py. In an array it is white space.
    sign_of_life=b"\n",
)


def guess(path: str, headers: Mapping[str, str]) -> CallerDialect:
    """Whose client it probably is that asks for a path that does not exist."""
    if path.startswith(("/v1beta", "/v1alpha")) or "x-goog-api-key" in headers:
        return GEMINI
    if path.startswith("/v1/messages") or "anthropic-version" in headers:
        return ANTHROPIC
    return OPENAI
