"""Read a whole reply of generateContent."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.gemini.candidates import (
    CandidateReader,
    candidates_of,
    envelope,
    invalid,
    logprobs_of,
    service_tier,
)
from dragoman.dialects.gemini.parts_read import CallIds, as_message
from dragoman.dialects.gemini.usage import Searches, read_usage
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.json_text import dump_json_bytes
from dragoman.errors import BadRequestError
from dragoman.types.chat import ChatChoice, ChatResponse
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["read_reply_usage", "read_response"]

_READ = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId"})


def read_response(body: JsonObject, context: ReplyContext) -> ChatResponse:
    """Return the hub's response. A blocked prompt raises `ContentPolicyViolationError`, as it does in a stream."""
    choices = _choices(body, context)
    response: ChatResponse = {
        "object": "chat.completion",
        **envelope(body, context),  # type: ignore[typeddict-item]
        "choices": choices,
    }
    usage = read_reply_usage(body)
    if usage is not None:
        response["usage"] = usage
    tier = service_tier(body.get("usageMetadata"))
    if tier is not None:
        response["service_tier"] = tier
    extras = {key: value for key, value in body.items() if key not in _READ}
    if extras:
        response["provider_specific_fields"] = {VENDOR: extras}
    return response


def _choices(body: Any, context: ReplyContext) -> list[ChatChoice]:
    has_failed = not isinstance(body, dict) or "error" in body
    candidates = candidates_of(body, context, dump_json_bytes(body) if has_failed else b"")
    if not candidates:
        raise invalid(context, "the reply holds no candidate", body)
    ids = CallIds(context.reply_id)
    try:
        return [_choice(candidate, index, context, ids) for index, candidate in enumerate(candidates)]
    except BadRequestError as error:
        raise invalid(context, error.message, body) from error


def read_reply_usage(body: JsonObject) -> TokenUsage | None:
    """Return the usage of a whole reply, as for one that passes through."""
    searches = Searches()
    searches.note(body)
    return read_usage(body.get("usageMetadata"), searches.count)


def _choice(candidate: JsonObject, position: int, context: ReplyContext, ids: CallIds) -> ChatChoice:
    reader = CandidateReader(context, ids)
    path = f"candidates[{position}]"
    delta = reader.read(candidate, path)
    for key, value in reader.close().items():
        delta[key] = value  # type: ignore[literal-required]
    index = candidate.get("index")
    choice: ChatChoice = {
        "index": index if isinstance(index, int) else position,
        "message": as_message(delta, reader.order),
        "logprobs": logprobs_of(candidate),
    }
    reader.finish_choice(choice)
    return choice
