"""Streams that pass through untouched, because the caller and the provider speak the same dialect."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from dragoman.dialects.codec import ReplyContext, ReplyStyle, StreamRelay
from dragoman.dialects.framing.sse import SseReader
from dragoman.dialects.openai_chat import CODEC, completions, embeddings
from dragoman.errors import APIConnectionError, APIError
from tests.dialects.openai._recorded import CREATED, REPLY_ID, chats, context, good, target, told_in_stream
from tests.recordings import Recording

REPLY = ReplyContext("acme", "m", "acme", CREATED, REPLY_ID)


def relay(reply: ReplyContext = REPLY, include_usage: bool = True) -> StreamRelay:
    assert CODEC.stream_relay is not None
    return CODEC.stream_relay(reply, ReplyStyle(model="smart", include_usage=include_usage))


def pass_on(through: StreamRelay, pieces: list[bytes]) -> list[bytes]:
    return [*(event for piece in pieces for event in through.feed(piece)), *through.close()]


def raw_events(stream: bytes) -> list[bytes]:
    reader = SseReader()
    return [event.raw for event in (*reader.feed(stream), *reader.close())]


@pytest.mark.parametrize("recording", good(chats(stream=True)))
def test_events_pass_byte_identical_at_any_split(recording: Recording) -> None:
    raw = recording.response_bytes
    whole = relay(context(recording))
    passed = pass_on(whole, [raw])
    assert passed == raw_events(raw) + ([] if whole.complete and b"[DONE]" in raw else [DONE])
    told = told_in_stream(raw).values()
    explained = b'"finish_reason":"length"' in raw.replace(b" ", b"") or b'"content_filter"' in raw
    assert whole.begun == (explained or any(one.text or one.reasoning or one.refusal or one.calls for one in told))
    rng = random.Random(recording.id)
    cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(30))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    split = relay(context(recording))
    assert pass_on(split, pieces) == passed
    assert split.usage == whole.usage
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(context(recording))
    chunks: list[Any] = [*reader.feed(raw), *reader.close()]
    assert whole.usage == chunks[-1].get("usage")


USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
HELLO = b'data: {"choices":[{"index":0,"delta":{"content":"\\"usage\\":{"},"finish_reason":null}],"usage":null}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\n\n'
DONE = b"data: [DONE]\n\n"


def test_the_usage_is_heard_and_hidden_again() -> None:
    hidden = relay(include_usage=False)
    assert pass_on(hidden, [HELLO + STOP + USAGE + DONE]) == [HELLO, STOP, DONE]
    assert hidden.usage is not None
    assert hidden.usage["total_tokens"] == 3
    shown = relay()
    assert pass_on(shown, [HELLO + STOP + USAGE + DONE]) == [HELLO, STOP, USAGE, DONE]


def test_begun_means_that_content_was_seen() -> None:
    through = relay()
    list(through.feed(b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'))
    assert not through.begun
    list(through.feed(HELLO))
    assert through.begun


@pytest.mark.parametrize("stream", [b"", HELLO, HELLO + STOP[:-40]])
def test_a_cut_is_raised(stream: bytes) -> None:
    with pytest.raises(APIConnectionError):
        pass_on(relay(), [stream])


@pytest.mark.parametrize("end", [STOP, DONE, STOP + DONE, STOP + DONE[:-2]])
def test_a_proper_end_is_not(end: bytes) -> None:
    """An end mark that is missing after the finish reason is written here."""
    wanted = HELLO + (end if b"[DONE]" in end else end + DONE)
    assert b"".join(pass_on(relay(), [HELLO + end])) == wanted


@pytest.mark.parametrize("before", [b"", HELLO])
def test_an_error_is_raised_and_not_passed_on(before: bytes) -> None:
    passed: list[bytes] = []
    through = relay()
    passed.extend(through.feed(before))
    with pytest.raises(APIError) as caught:
        list(through.feed(b'event: error\ndata: {"error":{"message":"boom","code":503}}\n\n'))
    assert caught.value.message == "boom"
    assert b"".join(passed) == before


@pytest.mark.parametrize("half", [b'data: {"choi', STOP[:-6]])
def test_half_an_event_is_not_passed_on(half: bytes) -> None:
    """The event of the error comes next, and would be glued to it."""
    through = relay()
    assert list(through.feed(HELLO + half)) == [HELLO]
    with pytest.raises(APIConnectionError):
        next(through.close())


def test_the_word_error_in_the_text_is_no_error() -> None:
    event = b"data: " + orjson.dumps({"choices": [{"delta": {"content": '"error"'}}], "error": None}) + b"\n\n"
    assert pass_on(relay(), [HELLO + event + DONE])[1] == event


def test_the_request_passes_but_for_the_model_and_the_usage() -> None:
    def sent(codec: Any, body: dict[str, Any], model: str) -> Any:
        return codec.relay_request(body, target("openai", model)).body

    body = {"model": "smart", "messages": [], "stream": True, "stream_options": {"x": 1}, "odd": [1]}
    for codec in (CODEC, completions.CODEC):
        expected = {**body, "model": "gpt-4o", "stream_options": {"x": 1, "include_usage": True}}
        assert sent(codec, body, "gpt-4o") == expected
        plain = {"model": "smart", "stream": False}
        assert sent(codec, plain, "gpt-4o") == {**plain, "model": "gpt-4o"}
    assert sent(embeddings.CODEC, {"model": "e", "input": "x"}, "t") == {"model": "t", "input": "x"}


def test_a_tool_with_a_name_that_openai_refuses_does_not_pass() -> None:
    def passes(name: str) -> bool:
        body = {"model": "smart", "messages": [], "tools": [{"type": "function", "function": {"name": name}}]}
        assert CODEC.relay_request is not None
        return CODEC.relay_request(body, target("openai", "gpt-4o")) is not None

    assert passes("x" * 64)
    assert not passes("x" * 65)
    assert not passes("get.weather")


def test_our_extensions_are_seen_in_a_body() -> None:
    ours = orjson.dumps({"messages": [{"role": "assistant", "thinking_blocks": []}]})
    text = orjson.dumps({"messages": [{"role": "user", "content": '"thinking_blocks"'}]})
    assert any(mark in ours for mark in CODEC.foreign_marks)
    assert not any(mark in text for mark in CODEC.foreign_marks)
