from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from dragoman.dialects.framing.sse import SseReader, write_event
from dragoman.errors import APIResponseValidationError
from tests.recordings import Recording, recordings


def read(pieces: list[bytes]) -> list[tuple[bytes, bytes]]:
    reader = SseReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return [(event.event, event.data) for event in [*events, *reader.close()]]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_end_counts(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data: 2", b"", b": comment", b"", b"id: 7", b"data:3", b"", b""])
    expected = [(b"a", b"1\n2"), (b"", b"3")]
    assert read([stream]) == expected
    assert read([stream[i : i + 1] for i in range(len(stream))]) == expected


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_other_separators_are_text(character: str) -> None:
    text = f'{{"text": "a{character}b"}}'.encode()
    assert read([write_event(text)]) == [(b"", text)]


def test_an_event_without_its_blank_line_counts_at_the_end() -> None:
    assert read([b"data: [DONE]"]) == [(b"", b"[DONE]")]


def test_comments_and_a_byte_order_mark_are_skipped() -> None:
    assert read([b"\xef\xbb\xbfdata: 1\n\n", b": a comment\n\n", b"data: 2\n\n"]) == [(b"", b"1"), (b"", b"2")]


def test_raw_events_are_the_stream() -> None:
    stream = b"data: 1\r\n\r\nevent: x\ndata: 2\n\n"
    assert b"".join(event.raw for event in SseReader().feed(stream)) == stream


def test_an_endless_event_is_refused() -> None:
    reader = SseReader(max_event_bytes=100)
    reader.feed(b"data: " + b"x" * 90)
    with pytest.raises(APIResponseValidationError):
        reader.feed(b"y" * 10)


_LINES = st.sampled_from(
    [b"", b"data: x", b"data:", b"data:  y", b"event: e", b"event:", b": c", b"data: \xe2\x80\xa8", b"junk", b"id: 1"]
)
_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(st.lists(st.tuples(_LINES, _ENDS)), st.lists(st.integers(0, 1000)))
@example([(b"data: x", b"\r\n"), (b"", b"\r\n")], [8, 9, 10])
def test_any_split_gives_the_same_events(lines: list[tuple[bytes, bytes]], places: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    assert read(cut(stream, places)) == read([stream])


@pytest.mark.parametrize(
    "recording", recordings(("*", "chat"), ("*", "messages"), ("*", "generateContent"), stream=True)
)
def test_recorded_streams_read_as_the_openai_package_reads_them(recording: Recording) -> None:
    stream = recording.response_bytes
    if b"data:" not in stream:  # Ollama and Cohere have streams of bare JSON lines
        assert read([stream]) == []
        return
    decoder = SSEDecoder()
    theirs = [(event.event or "", event.data) for event in decoder.iter_bytes(iter([stream + b"\n\n"])) if event.data]
    ours = [(event.decode(), data.decode()) for event, data in read([stream]) if data]
    assert ours == theirs
    assert read([stream[i : i + 7] for i in range(0, len(stream), 7)]) == read([stream])


@pytest.mark.parametrize("empty", [b"data:\n\n", b"data: \n\n", b"event: ping\ndata: \n\n", b"data\n\n", b"id: 4\n\n"])
def test_an_event_with_empty_data_is_skipped(empty: bytes) -> None:
    events = SseReader().feed(b"data: 1\n\n" + empty + b"data: 2\n\n")
    assert [event.data for event in events] == [b"1", b"2"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_event_is_passed_on_without_its_id(end: bytes) -> None:
    lines = [b"id: 7", b"event: message", b"id", b'data: {"id": 1}', b"data: id: 2", b"", b""]
    (event,) = SseReader().feed(end.join(lines) + b"data")
    assert event.raw == end.join([b"event: message", b'data: {"id": 1}', b"data: id: 2", b"", b""])
    assert event.data == b'{"id": 1}\nid: 2'
