"""A stream that is one array, cut anywhere."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.framing.json_array import JsonArrayReader, JsonArrayWriter
from dragoman.errors import APIResponseValidationError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\[]{},\u2028é', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('a"\\[]{', max_size=4), inner, max_size=3),
    max_leaves=8,
)
_ELEMENTS = st.lists(st.dictionaries(st.text(max_size=5), _JSON, max_size=3), max_size=5)
_SPACES = st.sampled_from([b"", b"\n", b" \r\n\t"])


def read(pieces: list[bytes]) -> list[bytes]:
    reader = JsonArrayReader()
    found = [element for piece in pieces for element in reader.feed(piece)]
    assert reader.complete
    return found + reader.close()


@given(_ELEMENTS, st.lists(st.integers(0, 300), max_size=8), _SPACES)
def test_elements_come_whole_at_any_split(elements: list[dict[str, object]], cuts: list[int], space: bytes) -> None:
    parts = [orjson.dumps(element) for element in elements]
    data = space + b"[" + space + (space + b"," + space).join(parts) + space + b"]" + space
    ends = sorted({min(cut, len(data)) for cut in cuts})
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
    assert read(pieces) == parts
    assert read([data[at : at + 1] for at in range(len(data))]) == parts


@given(_ELEMENTS)
def test_what_is_written_is_an_array_that_is_read(elements: list[dict[str, object]]) -> None:
    writer = JsonArrayWriter()
    data = b"\n" + b"".join(writer.write(orjson.dumps(element)) + b"\n" for element in elements) + writer.close()
    assert orjson.loads(data) == elements
    assert [orjson.loads(element) for element in read([data])] == elements


def test_an_object_alone_is_one_element() -> None:
    assert read([b'\xef\xbb\xbf {"error"', b': {"a": "}"}}', b" trailing"]) == [b'{"error": {"a": "}"}}']


def test_half_an_element_is_none() -> None:
    reader = JsonArrayReader()
    assert reader.feed(b'[{"a":1},{"b"') == [b'{"a":1}']
    assert reader.close() == []
    assert not reader.complete


@pytest.mark.parametrize("data", [b"[1,2]", b"hello", b'["a"]', b"<html>"])
def test_what_is_no_array_of_objects_is_refused(data: bytes) -> None:
    with pytest.raises(APIResponseValidationError):
        JsonArrayReader().feed(data)


def test_an_element_has_a_limit() -> None:
    reader = JsonArrayReader(max_element_bytes=100)
    with pytest.raises(APIResponseValidationError):
        reader.feed(b'[{"a":"' + b"x" * 200)
