"""An answer with an odd value anywhere is read and written, or refused as what it is; nothing else is ever raised."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from dragoman.dialects.call_ids import FreshCallIds
from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.text_as_chat import text_chunk, text_completion
from dragoman.errors import APIError
from dragoman.routing.attempt.reshape import joined_chunks, split_response
from tests.dialects.full_answers import STREAMS, WHOLE
from tests.dialects.test_bridges import ENDPOINTS, SIDES
from tests.mutations import mutations
from tests.recordings import Recording, recordings

SAMPLE = 300
"""Mutations of a full answer in a run."""


def _unless_refused(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except APIError as error:
        assert error.message
        return None


def _context(side: str) -> ReplyContext:
    return ReplyContext(provider=side, model="m", vendor=SIDES[side].vendor, created=1, reply_id="r1")


def _style(caller: str) -> ReplyStyle:
    return ReplyStyle(model="alias", include_usage=True, vendor=SIDES[caller].vendor)


def _pass_whole(side: str, body: Any) -> None:
    response = _unless_refused(lambda: SIDES[side].codec.read_response(body, _context(side)))
    if response is None:
        return
    response = FreshCallIds(frozenset({"call_1"})).whole(response)
    for caller in SIDES:
        written = SIDES[caller].codec.write_response(copy.deepcopy(response), _style(caller))
        orjson.dumps(written)
    text_completion(response)
    split_response(response)


def _pass_stream(side: str, events: list[Any]) -> None:
    chunks: list[Any] = []
    data = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
    _pass_bytes(side, data + (b"data: [DONE]\n\n" if side == "openai" else b""), chunks)


def _pass_bytes(side: str, data: bytes, chunks: list[Any]) -> None:
    codec = SIDES[side].codec
    assert codec.stream_reader is not None
    reader = codec.stream_reader(_context(side))
    _unless_refused(lambda: chunks.extend(reader.feed(data)))
    _unless_refused(lambda: chunks.extend(reader.close()))
    for caller in SIDES:
        assert SIDES[caller].codec.stream_writer is not None
        writer: Any = SIDES[caller].codec.stream_writer(_style(caller))  # type: ignore[misc]
        for chunk in copy.deepcopy(chunks):
            writer.write(chunk)
        writer.close()
    for chunk in chunks:
        text_chunk(chunk)
    if chunks:
        joined_chunks(copy.deepcopy(chunks))
    assert codec.stream_relay is not None
    relay = codec.stream_relay(_context(side), _style(side))
    _unless_refused(lambda: [*relay.feed(data), *relay.close()])


@pytest.mark.parametrize("side", SIDES)
def test_no_odd_value_of_a_whole_answer_raises(side: str) -> None:
    for body in mutations(WHOLE[side], SAMPLE):
        _pass_whole(side, body)


@pytest.mark.parametrize("side", SIDES)
def test_no_odd_value_of_a_stream_raises(side: str) -> None:
    for events in mutations(STREAMS[side], SAMPLE):
        _pass_stream(side, events)


def _recorded(stream: bool) -> list[Any]:
    """Every eighth recording of each dialect."""
    return [
        pytest.param(side, *case.values, marks=case.marks, id=f"{side}-{case.id}")
        for side in SIDES
        for case in recordings(*ENDPOINTS[side], stream=stream)[::8]
    ]


@pytest.mark.parametrize(("side", "recording"), _recorded(stream=False))
def test_no_odd_value_of_a_recorded_answer_raises(side: str, recording: Recording) -> None:
    for body in mutations(recording.response_body, 20, seed=len(recording.id)):
        _pass_whole(side, body)


@pytest.mark.parametrize(("side", "recording"), _recorded(stream=True))
def test_no_lost_event_of_a_recorded_stream_raises(side: str, recording: Recording) -> None:
    """Streams whose events are lost, doubled, or swapped."""
    events = recording.response_bytes.replace(b"\r\n", b"\n").split(b"\n\n")[:60]
    middle = len(events) // 2
    for changed in (events[1:], events[:middle] + events[middle + 1 :], events[::-1], [*events, *events]):
        _pass_bytes(side, b"\n\n".join(changed), [])
