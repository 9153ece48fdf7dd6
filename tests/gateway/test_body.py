"""Bodies: within the limits or refused, and never anything else."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.errors import BadRequestError, RequestTooLargeError, ServiceUnavailableError, Timeout
from dragoman.gateway import _json_bounds
from dragoman.gateway._json_bounds import holds_more_than
from dragoman.gateway.http.body import BodyBudget, BodyLimits, parse_object, read_body, take_body
from dragoman.gateway.http.disconnect import ClientDisconnected
from dragoman.gateway.http.exchange import Receive

LIMITS = BodyLimits(max_request_bytes=100, max_json_depth=5, max_json_values=20, body_timeout=0.05)


def arriving(*parts: bytes, ends: bool = True) -> Receive:
    waiting: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1 or not ends}
        for index, part in enumerate(parts)
    ]

    async def receive() -> MutableMapping[str, Any]:
        if not waiting:
            await asyncio.sleep(10)
        return waiting.pop(0)

    return receive


async def test_a_body_in_pieces_is_joined() -> None:
    assert await read_body(arriving(b"{", b"", b"}"), None, LIMITS) == b"{}"


@pytest.mark.parametrize(
    ("parts", "declared"), [((b"x" * 101,), None), ((b"x" * 60, b"x" * 60), None), ((b"x",), "101"), ((b"",), "9" * 30)]
)
async def test_a_body_that_is_too_large_is_refused(parts: tuple[bytes, ...], declared: str | None) -> None:
    with pytest.raises(RequestTooLargeError) as caught:
        await read_body(arriving(*parts), declared, LIMITS)
    assert caught.value.status_code == 413


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    with pytest.raises(Timeout):
        await read_body(arriving(b"{", ends=False), None, LIMITS)


async def test_a_caller_who_leaves_in_the_middle_of_a_body_is_gone() -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> MutableMapping[str, Any]:
        return messages.pop(0)

    with pytest.raises(ClientDisconnected):
        await read_body(receive, None, LIMITS)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"a": 1,}', "line 1, column 8"),
        (b'{"a":\n  nul}', "line 2"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a": NaN}', "is not valid JSON"),
        (b'{"a": "\xff"}', "is not valid JSON"),
        (b'{"a": 1} {}', "is not valid JSON"),
        (b'{"a":' + b"[" * 5 + b"]" * 5 + b"}", "nested deeper than 5 levels"),
        (b'{"a":' + b"[" * 15 + b"1" + b"]" * 15 + b"}", "nested deeper than 5 levels"),
        (b'{"a":[' + b"1," * 30 + b"1]}", "more than 20 values"),
    ],
)
def test_what_is_wrong_with_a_body_is_told(raw: bytes, told: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        parse_object(raw, LIMITS)
    assert told in caught.value.message


def test_deep_nesting_beyond_any_parser_is_refused_and_does_not_crash() -> None:
    for raw in (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", b'{"a":' * 5000 + b"1" + b"}" * 5000):
        with pytest.raises(BadRequestError):
            parse_object(raw, BodyLimits())


def test_commas_and_brackets_in_texts_do_not_count() -> None:
    text = ',[{"\\' * 100
    assert parse_object(orjson.dumps({"text": text}), LIMITS) == {"text": text}


def test_what_is_nested_as_deep_as_allowed_is_read() -> None:
    assert parse_object(b'{"a":[[[[1]]]]}', LIMITS)
    assert parse_object(b'{"a":[[[[1]]]],"b":[],"c":[],"d":[]}', LIMITS)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    try:
        assert isinstance(parse_object(raw, LIMITS), dict)
    except BadRequestError as error:
        assert error.status_code == 400


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values))
def test_any_object_within_the_limits_is_read_as_it_is(value: dict[str, Any]) -> None:
    assert parse_object(orjson.dumps(value), BodyLimits()) == value


@pytest.mark.parametrize("text", [b'\\"', b'"', b"\\\\", b"\\", b",", b'\\",[', b"[,"])
@pytest.mark.parametrize("end", [b"", b'"}'])
def test_counting_takes_no_memory_that_grows_with_the_body(text: bytes, end: bytes) -> None:
    raw = b'{"a":"' + b"," * 1001 + text * 1_000_000 + end
    tracemalloc.start()
    holds_more_than(1000, raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**20


@given(
    st.lists(st.sampled_from(['"', "\\", ",", "[", "x"]), max_size=300).map("".join),
    st.integers(1, 9),
)
def test_only_what_stands_outside_of_strings_is_counted(text: str, chunk: int) -> None:
    raw = orjson.dumps({"a": text, "b": [text, text]})
    assert _json_bounds._signs_outside(raw, 100, chunk) == 4


async def test_bodies_count_together_until_they_are_read() -> None:
    limits = BodyLimits(max_request_bytes=10, max_total_request_bytes=15)
    budget = BodyBudget(limits)
    with budget.lease() as take:
        assert await read_body(arriving(b"x" * 8), None, limits, take)
        with pytest.raises(ServiceUnavailableError) as caught, budget.lease() as other:
            await read_body(arriving(b"x" * 5, b"x" * 3), None, limits, other)
        assert caught.value.retry_after
        assert budget.taken == 8
    assert budget.taken == 0


async def test_a_body_of_which_nothing_arrives_is_not_waited_for() -> None:
    with pytest.raises(Timeout):
        await read_body(arriving(), None, LIMITS)


async def test_a_byte_order_mark_is_left_out() -> None:
    assert await read_body(arriving(b"\xef\xbb\xbf{}"), None, LIMITS) == b"{}"
    assert await read_body(arriving(b"\xef", b"\xbb\xbf{}"), None, LIMITS) == b"{}"


@pytest.mark.parametrize("encoding", ["identity", "Identity", " IDENTITY ", ""])
async def test_a_body_without_compression_is_read(encoding: str) -> None:
    headers = {"content-encoding": encoding}
    assert await take_body(arriving(b"{}"), headers, LIMITS, BodyBudget(LIMITS), bytes.decode) == "{}"


async def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(BadRequestError) as caught:
        await take_body(arriving(b"{}"), {"content-encoding": "gzip"}, LIMITS, BodyBudget(LIMITS), bytes.decode)
    assert caught.value.status_code == 415
