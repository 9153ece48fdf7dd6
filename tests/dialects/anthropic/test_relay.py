"""Bodies and streams that pass through untouched."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dragoman.dialects.anthropic_messages import CODEC, COUNT_TOKENS
from dragoman.dialects.signatures import SEAL_MARK
from dragoman.errors import APIConnectionError, ServiceUnavailableError
from dragoman.types.usage import token_buckets
from tests.dialects.anthropic.exchange import CALLER, chunks_of, messages_recordings, reply_context, target
from tests.dialects.anthropic.test_streams import START, block, stream, text_block, whole_stream
from tests.recordings import Recording


def relay() -> Any:
    assert CODEC.stream_relay is not None
    return CODEC.stream_relay(reply_context(), CALLER)


@pytest.mark.parametrize("recording", messages_recordings(stream=True))
def test_a_stream_passes_byte_for_byte_and_is_counted(recording: Recording) -> None:
    data = recording.response_bytes
    dice = random.Random(recording.id)
    for cuts in ([], dice.sample(range(1, len(data)), 40)):
        through = relay()
        out: list[bytes] = []
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
            out += through.feed(data[start:end])
        out += through.close()
        assert b"".join(out).strip() == data.partition(b"event: data\ndata: [DONE]")[0].strip()
        assert through.usage == chunks_of(data, reply_context(recording))[-1]["usage"]
        assert through.begun == (b"content_block_delta" in data or b'"refusal"' in data)
        assert through.complete


def test_it_has_begun_with_the_first_content() -> None:
    through = relay()
    assert list(through.feed(stream(START, {"type": "ping"}))) != []
    assert not through.begun
    list(through.feed(stream(text_block(0)[0])))
    assert not through.begun
    list(through.feed(stream(text_block(0, "x")[1])))
    assert through.begun
    other = relay()
    list(other.feed(stream(START, block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}})[0])))
    assert other.begun


def test_an_error_is_raised_and_not_passed_on() -> None:
    through = relay()
    passed: list[bytes] = []
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ServiceUnavailableError):
        passed.extend(through.feed(stream(START, error)))
    assert b"".join(passed) == stream(START)


@pytest.mark.parametrize("cut", [10, 100, 300])
def test_a_stream_that_is_cut_off_is_an_error(cut: int) -> None:
    through = relay()
    list(through.feed(whole_stream(*text_block(0, "Hello"))[:cut]))
    with pytest.raises(APIConnectionError):
        list(through.close())


def test_half_an_event_is_not_passed_on() -> None:
    """A caller could not read it, and would miss the event of the error that comes next."""
    through = relay()
    deltas = stream(*text_block(0, "Hello"))
    begun = stream(START) + deltas[: deltas.index(b"Hello")]
    passed = list(through.feed(begun))
    with pytest.raises(APIConnectionError):
        passed.extend(through.close())
    assert b"content_block_delta" in begun
    assert b"content_block_delta" not in b"".join(passed)


def test_a_body_passes_but_for_the_model() -> None:
    body = {"model": "alias", "max_tokens": 1, "messages": [], "from_the_future": {"x": None}}
    for codec in (CODEC, COUNT_TOKENS):
        assert codec.relay_request is not None
        wire = codec.relay_request(body, target(model="claude-z"))
        assert wire is not None
        assert wire.body == body | {"model": "claude-z"}
        assert list(wire.body) == list(body)
        assert codec.foreign_marks == (SEAL_MARK,)


@pytest.mark.parametrize("recording", messages_recordings(stream=False))
def test_the_usage_of_a_body_that_passes_is_read(recording: Recording) -> None:
    assert CODEC.read_usage is not None
    usage = CODEC.read_usage(recording.response_body)
    counted = recording.response_body["usage"]
    assert usage is not None
    buckets = token_buckets(usage)
    assert buckets.input == counted["input_tokens"]
    assert buckets.cache_read == (counted.get("cache_read_input_tokens") or 0)
    assert buckets.cache_write_5m + buckets.cache_write_1h == (counted.get("cache_creation_input_tokens") or 0)
    assert buckets.output + buckets.reasoning == counted["output_tokens"]
    assert buckets.reasoning == (counted.get("output_tokens_details") or {}).get("thinking_tokens", 0)
    lifetimes = counted.get("cache_creation") or {}
    assert buckets.cache_write_1h == lifetimes.get("ephemeral_1h_input_tokens", 0)
