from __future__ import annotations

import pytest

from dragoman.dialects.redaction import scrub, scrub_json


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc123DEF456.",
        "Incorrect API key provided: sim-bad-*****-key. You can find",
        "API key: abcdef0123456789 is wrong",
        '{"api_key": "abcdef0123456789"}',
        "key AIzaSyA1234567890abcdefghijk refused",
        "Bearer abcdef.0123456789",
        "https://host/path?key=abcdef0123456789&x=1",
        "gsk_abcdef0123456789",
        "hf_abcDEF0123456789",
        "AKIAABCDEFGHIJKLMNOP",
    ],
)
def test_keys_are_taken_out_once_and_for_all(text: str) -> None:
    cleaned = scrub(text)
    assert "[key removed]" in cleaned
    for piece in ("abc", "0123456789", "sim-bad", "AIzaSy", "ABCDEFGH"):
        assert piece not in cleaned
    assert scrub(cleaned) == cleaned


@pytest.mark.parametrize(
    "text",
    ["API_KEY_INVALID", "api-version is missing", "key_not_found", "Unknown parameter: 'api_base'.", "a task-oriented model",
     "the risk-adjusted value", "claude-sonnet-4-5-20250929", "invalid_api_key"],
)  # fmt: skip
def test_words_are_left_alone(text: str) -> None:
    assert scrub(text) == text


def test_every_string_of_a_body_is_looked_at() -> None:
    assert scrub_json({"a": ["sk-abcdefghijk", 1, {"b": "Bearer x1"}]}) == {
        "a": ["[key removed]", 1, {"b": "[key removed]"}]
    }
