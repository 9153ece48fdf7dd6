"""OpenAI's older text completions (`/v1/completions`), also of compatible providers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from dragoman.dialects.codec import Codec, ReplyContext, ReplyStyle, RequestHints, Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.openai_chat.accent import accent_of
from dragoman.dialects.openai_chat.embeddings import check_input
from dragoman.dialects.openai_chat.errors import failed_choice, raise_if_error, read_error, write_error
from dragoman.dialects.openai_chat.finish_reasons import failure_word, finish_reason
from dragoman.dialects.openai_chat.params_write import write_params
from dragoman.dialects.openai_chat.relay import OpenAIRelay, has_answer, relay_request
from dragoman.dialects.openai_chat.request_read import check_fields, read_model, text_or_texts
from dragoman.dialects.openai_chat.response_read import envelope, invalid, unary_usage
from dragoman.dialects.openai_chat.stream_read import cut_off, event_json, is_done, last_events
from dragoman.dialects.openai_chat.stream_write import OpenAIStreamWriter
from dragoman.dialects.validation import bad
from dragoman.types.json import JsonObject
from dragoman.types.operations import TEXT_COMPLETION
from dragoman.types.request_params import PARAM_TYPES
from dragoman.types.text_completion import TextCompletion, TextCompletionRequest
from dragoman.types.usage import TokenUsage

__all__ = ["CODEC"]

_EXCLUDED = frozenset(("stream", "stream_options", "max_tokens"))


def _read_request(body: JsonObject, hints: RequestHints) -> TextCompletionRequest:
    request = check_fields(body, PARAM_TYPES["text_completion"])
    request["model"] = read_model(body, hints)
    if body.get("prompt") is None:
        raise bad("prompt", "expected a string or an array")
    check_input(body["prompt"], "prompt")
    text_or_texts(request, "stop")
    return cast(TextCompletionRequest, request)


def _write_request(request: TextCompletionRequest, target: Target) -> WireRequest:
    drops = DropList(target)
    params: JsonObject = drops.without_dropped(request)
    body = write_params(params, target, accent_of(target), drops, _EXCLUDED)
    if "max_tokens" in params:  # this endpoint knows no newer name
        body["max_tokens"] = params["max_tokens"]
    return WireRequest(body, dropped=drops.dropped)


def _read_response(body: JsonObject, context: ReplyContext) -> TextCompletion:
    raise_if_error(body, context)
    if not isinstance(body.get("choices"), list):
        raise invalid("an answer without choices", context, body)
    response = _completion(body, context)
    for choice in response["choices"]:
        choice["finish_reason"] = choice["finish_reason"] or "stop"
    usage = unary_usage(body)
    if usage is not None:
        response["usage"] = usage
    return response


def _completion(body: JsonObject, context: ReplyContext) -> TextCompletion:
    """Return a whole answer or a chunk: here they have the same shape."""
    read = envelope(body, context, "text_completion")
    read.pop("usage", None)
    choices = body.get("choices")
    read["choices"] = [
        _choice(choice, position, context)
        for position, choice in enumerate(choices if isinstance(choices, list) else ())
        if isinstance(choice, dict)
    ]
    return cast(TextCompletion, read)


def _choice(raw: JsonObject, position: int, context: ReplyContext) -> JsonObject:
    word = raw.get("finish_reason")
    if raw.get("error") or failure_word(word):
        raise failed_choice(raw, context)
    choice = dict(raw)
    choice["index"] = raw["index"] if type(raw.get("index")) is int else position
    choice["text"] = raw["text"] if isinstance(raw.get("text"), str) else ""
    choice["finish_reason"] = finish_reason(word, called=False) if word else None
    if word and word != choice["finish_reason"]:
        choice["native_finish_reason"] = word
    return choice


def _write_response(response: TextCompletion, caller: ReplyStyle) -> JsonObject:
    choices = [{"logprobs": None, **choice} for choice in response.get("choices") or ()]
    return {"object": "text_completion", "model": caller.model, **response, "choices": choices}


class _Reader:
    """Passes chunks on; usage is kept for one last chunk without choices."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._events = SseReader()
        self._frame: JsonObject = {}
        self._usage: TokenUsage | None = None
        self._finished = False
        self._ended = False

    @property
    def finished(self) -> bool:
        return self._finished

    @property
    def complete(self) -> bool:
        return self._ended

    def feed(self, data: bytes) -> Iterator[TextCompletion]:
        for event in self._events.feed(data):
            yield from self._event(event)

    def close(self) -> Iterator[TextCompletion]:
        if not self._ended:
            for event in last_events(self._events, self._context, finished=self._finished):
                yield from self._event(event)
        if self._ended:
            return
        if not self._finished:
            raise cut_off(self._context)
        yield from self._end()

    def _event(self, event: SseEvent) -> Iterator[TextCompletion]:
        if self._ended:
            return
        if is_done(event):
            yield from self._end()
            return
        body = event_json(event, self._context)
        self._usage = unary_usage(body) or self._usage
        chunk = _completion(body, self._context)
        self._frame = {key: value for key, value in chunk.items() if key != "choices"}
        if chunk["choices"]:
            self._finished = self._finished or any(choice["finish_reason"] for choice in chunk["choices"])
            yield chunk

    def _end(self) -> Iterator[TextCompletion]:
        self._ended = True
        if not self._frame:
            raise invalid("a stream without an answer", self._context, None)
        if self._usage is not None:
            yield cast(TextCompletion, {**self._frame, "choices": [], "usage": self._usage})


CODEC: Codec[TextCompletionRequest, TextCompletion, TextCompletion] = Codec(
    dialect="openai_completions",
    operation=TEXT_COMPLETION,
    read_request=_read_request,
    write_request=_write_request,
    read_response=_read_response,
    write_response=_write_response,
    read_error=read_error,
    write_error=write_error,
    stream_reader=_Reader,
    stream_writer=OpenAIStreamWriter,
    stream_relay=OpenAIRelay,
    relay_request=relay_request,
    read_usage=unary_usage,
    has_answer=has_answer,
)
