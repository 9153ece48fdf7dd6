"""A whole answer: wire -> hub."""

from __future__ import annotations

from typing import Any, cast

from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.error_details import shown
from dragoman.dialects.openai_chat.accent import reasoning_tag_of
from dragoman.dialects.openai_chat.answer_types import fit_logprobs, fit_message
from dragoman.dialects.openai_chat.errors import failed_choice, raise_if_error
from dragoman.dialects.openai_chat.finish_reasons import failure_word, finish_reason
from dragoman.dialects.openai_chat.message_fields import (
    prune,
    read_content,
    reasoning_text,
    search_annotations,
    text,
)
from dragoman.dialects.openai_chat.reasoning_details import blocks_of
from dragoman.dialects.openai_chat.think_tags import TagSplitter
from dragoman.dialects.openai_chat.tool_calls import whole_calls
from dragoman.dialects.openai_chat.usage import has_usage, read_usage
from dragoman.errors import APIResponseValidationError
from dragoman.types.chat import ChatChoice, ChatResponse
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["envelope", "invalid", "read_response", "unary_usage"]

_YEAR_5000 = 95_617_584_000


def invalid(message: str, context: ReplyContext, body: Any) -> APIResponseValidationError:
    """Return the error for an answer that is not in this dialect."""
    return APIResponseValidationError(
        f"{context.provider} sent {message}", provider=context.provider, model=context.model, body=shown(body)
    )


def read_response(body: JsonObject, context: ReplyContext) -> ChatResponse:
    raise_if_error(body, context)
    choices = body.get("choices")
    if not isinstance(choices, list):
        raise invalid("an answer without choices", context, body)
    response = envelope(body, context, "chat.completion")
    response["choices"] = [
        _choice(choice, index, context) for index, choice in enumerate(choices) if isinstance(choice, dict)
    ]
    sources = search_annotations(body)
    for choice in response["choices"] if sources else ():
        choice["message"].setdefault("annotations", sources)
    usage = unary_usage(body)
    response.pop("usage", None)
    if usage is not None:
        response["usage"] = usage
    return cast(ChatResponse, response)


def unary_usage(body: JsonObject) -> TokenUsage | None:
    """The usage of a whole answer."""
    usage = body.get("usage")
    if not has_usage(usage):
        groq = body.get("x_groq")
        usage = groq.get("usage") if isinstance(groq, dict) else usage
    return read_usage(usage, body.get("service_tier")) if isinstance(usage, dict) and usage else None


def envelope(body: JsonObject, context: ReplyContext, kind: str) -> JsonObject:
    """Return what stands around the choices; unknown fields are kept."""
    read = dict(body)
    read["id"] = text(body.get("id")) or context.reply_id
    read["object"] = kind
    created = body.get("created")
    read["created"] = created if type(created) is int and 0 < created < _YEAR_5000 else _seconds(created, context)
    read["model"] = text(body.get("model")) or context.model
    for key in ("service_tier", "system_fingerprint"):
        if key in read and not read[key]:
            del read[key]
    return read


def _seconds(created: Any, context: ReplyContext) -> int:
    """Writer has sent the time as text, others as a float, or in milliseconds."""
    try:
        seconds = int(float(created))
    except (TypeError, ValueError, OverflowError):
        return context.created
    if seconds >= _YEAR_5000:
        seconds //= 1000
    return seconds if 0 < seconds < _YEAR_5000 else context.created


def _choice(raw: JsonObject, position: int, context: ReplyContext) -> ChatChoice:
    message = raw.get("message")
    message = message if isinstance(message, dict) else {}  # Azure leaves it out when it filtered the answer
    word = _finish_word(raw)
    if raw.get("error") or failure_word(word):
        raise failed_choice(raw, context)
    word = text(word)
    choice = _fields_beside(raw)
    choice["index"] = raw["index"] if type(raw.get("index")) is int else position
    read = _message(message, context, position)
    json_answer = _json_answer(read, context)
    choice["message"] = read
    reason = finish_reason(word, called=bool(read.get("tool_calls")), json_answer=json_answer)
    choice["finish_reason"] = reason
    if word and word != reason and not choice.get("native_finish_reason"):
        choice["native_finish_reason"] = word
    return cast(ChatChoice, choice)


def _fields_beside(raw: JsonObject) -> JsonObject:
    """Return the fields of a choice beside its message."""
    fields = {key: value for key, value in raw.items() if key != "message"}
    if fields.get("logprobs") is not None:
        fields["logprobs"] = fit_logprobs(fields["logprobs"])
    if not isinstance(fields.get("native_finish_reason", ""), str):
        del fields["native_finish_reason"]
    return fields


def _finish_word(raw: JsonObject) -> Any:
    word, details = raw.get("finish_reason"), raw.get("finish_details")
    if word is None and isinstance(details, dict):
        return details.get("type")  # OpenAI's first vision models
    return word


def _message(raw: JsonObject, context: ReplyContext, position: int) -> JsonObject:
    message = {key: value for key, value in raw.items() if key not in ("reasoning", "reasoning_content")}
    prune(message)
    fit_message(message)
    content = read_content(raw.get("content"))
    message["role"] = raw.get("role") or "assistant"
    message["content"] = content.text
    _add_reasoning(message, content.reasoning or reasoning_text(raw), context)
    details = raw.get("reasoning_details")
    if isinstance(details, list) and details:
        message["thinking_blocks"] = blocks_of(details, context.vendor)
    if content.rest:
        message["provider_specific_fields"] = {"content": content.rest}
    calls = message.get("tool_calls")
    if calls is not None:
        message["tool_calls"] = whole_calls(
            calls if isinstance(calls, list) else [], f"{context.reply_id}_{position}", context.tool_names
        )
    return message


def _add_reasoning(message: JsonObject, reasoning: str, context: ReplyContext) -> None:
    tag = reasoning_tag_of(context)
    if tag and not reasoning and message["content"]:
        reasoning, message["content"] = _split(message["content"], tag)
    if reasoning:
        message["reasoning_content"] = reasoning


def _split(content: str, tag: str) -> tuple[str, str]:
    splitter = TagSplitter(tag)
    reasoning, answer = splitter.feed(content)
    more_reasoning, more = splitter.close()
    return reasoning + more_reasoning, answer + more


def _json_answer(message: JsonObject, context: ReplyContext) -> bool:
    """Put the arguments of the tool that stood in for structured output where the content is. Return whether it was called."""
    calls = message.get("tool_calls")
    if context.json_tool is None or not calls:
        return False
    answers = [call for call in calls if (call.get("function") or {}).get("name") == context.json_tool]
    if not answers:
        return False
    message["content"] = answers[0]["function"]["arguments"]
    message["tool_calls"] = [call for call in calls if call not in answers]
    if not message["tool_calls"]:
        del message["tool_calls"]
    return True
