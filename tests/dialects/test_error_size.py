"""A provider may send anything as an error: what is read and told of it is small, and reading it is linear work."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from dragoman.dialects.anthropic_messages import CODEC as ANTHROPIC
from dragoman.dialects.codec import Codec, ErrorReply, ReplyContext
from dragoman.dialects.error_details import MAX_ERROR_BYTES, plain_text, retry_after
from dragoman.dialects.gemini import CODEC as GEMINI
from dragoman.dialects.openai_chat import CODEC as OPENAI
from dragoman.dialects.redaction import scrub
from dragoman.errors import APIError

CODECS = [
    pytest.param(codec, id=name) for name, codec in (("openai", OPENAI), ("anthropic", ANTHROPIC), ("gemini", GEMINI))
]
ENDLESS = 2**20
"""Quadratic work on so many characters takes an hour: a test that should not end finds it without a clock."""


def read(
    codec: Codec[Any, Any, Any], body: bytes, status: int = 400, headers: dict[str, str] | None = None
) -> APIError:
    error = codec.read_error(ErrorReply("some", "model", status, headers or {}, body))
    assert isinstance(error, APIError)
    return error


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "piece",
    ["key-", "eyJ-", "sk-", "Bearer ", "Bearer\n", "api key ", "api_key:", "apikey: ", "?key=", "AIza", "AIza.", "hf_", "ya29.",
     "dd-a.", "eyJ12345678-", "*", "-", "_", "."],
)  # fmt: skip
def test_keys_are_looked_for_in_one_pass(piece: str) -> None:
    text = piece * (ENDLESS // len(piece))
    assert len(scrub(text)) <= 2 * len(text)


def test_a_key_in_the_middle_of_a_run_is_found() -> None:
    assert scrub("x-key-key-key-abc1") == "x-[key removed]"
    assert scrub("x-key-key-key-abcd") == "x-key-key-key-abcd"
    assert scrub("under-sk-abcdefgh.") == "under-[key removed]"


@pytest.mark.parametrize("tag", [b"<title>", b"<title", b"<h1>", b"<", b"<p", b"</title", b"<title><h1>"])
def test_a_page_of_tags_is_read_in_one_pass(tag: bytes) -> None:
    assert len(plain_text(b"<html>" + tag * (ENDLESS // len(tag)))) <= 4000


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (b"<!DOCTYPE html><TITLE lang=en>Bad &amp; worse</TITLE><p>x", "Bad & worse"),
        (b"<html><h1>Not <b>here</b></h1>", "Not here"),
        (b"<html><title>not closed", "not closed"),
        (b"<html><p>plain</p>", "plain"),
    ],
)
def test_a_page_says_its_title(page: bytes, said: str) -> None:
    assert plain_text(page) == said


@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms", "date", "x-ratelimit-reset-tokens"])
@pytest.mark.parametrize("value", ["1" * ENDLESS, "1." * (ENDLESS // 2), "1d" * (ENDLESS // 2), "9" * 60 + "d"])
def test_a_header_asks_for_a_wait_that_can_be_waited(name: str, value: str) -> None:
    headers = {"retry-after": "Mon", "x-ratelimit-remaining-tokens": "0", name: value}
    assert retry_after(headers) is None or name in ("retry-after", "x-ratelimit-reset-tokens")
    for codec in (OPENAI, ANTHROPIC, GEMINI):
        error = codec.read_error(ErrorReply("some", "model", 429, headers, b"{}"))
        assert error.retry_after is None


@pytest.mark.parametrize(
    "text",
    ["try again in " + "9" * 6000 + "s", "try again in " + "9" * 6000 + "m1s", "retry after 1." + "9" * 6000 + "s"],
)
def test_a_message_asks_for_a_wait_that_can_be_waited(text: str) -> None:
    assert read(OPENAI, orjson.dumps({"error": {"message": text}}), 429).retry_after is None


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("body", [nested(1000), b"[" * 1000 + b"]" * 1000, b'{"error":' + nested(900) + b"}"])
def test_a_deep_body_is_an_error_like_others(codec: Codec[Any, Any, Any], body: bytes) -> None:
    assert read(codec, body).status_code == 400


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_told_of_a_large_body_is_small(codec: Codec[Any, Any, Any]) -> None:
    big = "key-" * 2**18
    error = {"message": big, "code": big, "type": big, "param": big, "status": big, "details": [big, {"reason": big}]}
    told = read(
        codec, orjson.dumps({"error": error, big: [big] * 9, "many": [1] * 10**6}), headers={"x-request-id": big}
    )
    assert len(told.message) <= 4000
    for word in (told.code, told.provider_code, told.param, told.type, told.request_id):
        assert len(word or "") <= 256
    assert len(orjson.dumps(told.body)) <= 2 * MAX_ERROR_BYTES


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_told_of_a_large_error_in_a_stream_is_small(codec: Codec[Any, Any, Any]) -> None:
    assert codec.stream_reader is not None
    reader = codec.stream_reader(ReplyContext("some", "model", "some", 0, "reply"))
    message = b'"message":"' + b"key-" * 2**20 + b'"'
    error = b'{"type":"error","error":{"type":"overloaded_error",' + message + b',"deep":' + nested(900) + b"}}"
    with pytest.raises(APIError) as caught:
        list(reader.feed(b"event: error\ndata: " + error + b"\n\n"))
    assert len(caught.value.message) <= 4000
    assert len(orjson.dumps(caught.value.body)) <= 2 * MAX_ERROR_BYTES
