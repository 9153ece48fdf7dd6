"""The estimate of tokens, held against what providers counted."""

from __future__ import annotations

import json
import re
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, openai_chat
from dragoman.dialects.codec import RequestHints
from dragoman.models import count_tokens
from tests.recordings import Recording, recordings

MORE_THAN_TEXT = re.compile(
    r"image|audio|\"file|document|web_search|code_execution|mcp|json_schema|tool_choice|search-preview|thinking|advisor|web_fetch|search_result"
)
COUNTS = re.compile(r'"(?:prompt_tokens|input_tokens)":\s*(\d+)')


def counted(recording: Recording) -> int:
    """The provider's own count, the parts from its cache with it."""
    text = recording.response_bytes.decode()
    cached = re.findall(r'"cache_(?:creation|read)_input_tokens":\s*(\d+)', text)[:2]
    own = COUNTS.findall(text)
    return (int(own[0]) if own else 0) + sum(map(int, cached))


def plain_text(*endpoints: tuple[str, str], tools: bool) -> list[Any]:
    return [
        param
        for param in recordings(*endpoints)
        if param.values[0] is None
        or (
            isinstance(body := param.values[0].request_body, dict)
            and not MORE_THAN_TEXT.search(json.dumps(body))
            and bool(body.get("tools")) is tools
            and "media-shrunk" not in (param.values[0].data.get("edits") or ())
            and counted(param.values[0])
        )
    ]


def estimate(recording: Recording) -> int:
    codec = openai_chat.CODEC if recording.endpoint == "chat" else anthropic_messages.CODEC
    request = codec.read_request({"model": recording.model, "max_tokens": 1, **recording.request_body}, RequestHints())
    messages: Any = request["messages"]
    tools: Any = request.get("tools")
    return count_tokens(messages, tools, None, recording.model)


OPENAI = [
    param
    for param in plain_text(("openai", "chat"), ("azure", "chat"), ("copilot", "chat"), tools=False)
    if param.values[0] is None or re.match(r"gpt-|o[134]", param.values[0].model)
]


@pytest.mark.parametrize("recording", OPENAI)
def test_a_plain_chat_with_openai_is_estimated_a_little_above(recording: Recording) -> None:
    real = counted(recording)
    assert 0.9 * real <= estimate(recording) <= 1.3 * real + 4


@pytest.mark.parametrize("recording", plain_text(("anthropic", "messages"), ("anthropic", "count-tokens"), tools=False))
def test_a_plain_chat_with_claude_is_estimated_near(recording: Recording) -> None:
    real = counted(recording)
    assert 0.8 * real <= estimate(recording) <= 1.5 * real + 8


def test_tools_are_estimated_near_on_the_whole() -> None:
    params = plain_text(("openai", "chat"), ("anthropic", "messages"), ("vercel-gateway", "chat"), tools=True)
    chosen = [param.values[0] for param in params if param.values[0] is not None]
    if chosen:
        assert 0.9 < statistics.median(estimate(each) / counted(each) for each in chosen) < 1.6


@pytest.mark.parametrize(
    ("text", "real"),
    [
        # counted with OpenAI's o200k_base
        ("Hello world, how are you?", 7),
        ("The sum of 7 and 11 is 18.", 12),
        ("BERKSHIRE HATHAWAY INC.", 10),
        ("", 0),
    ],
)
def test_short_texts(text: str, real: int) -> None:
    assert 0.75 * real <= count_tokens(text=text) <= real * 1.6


def test_texts_add_up() -> None:
    assert count_tokens(text=["Hello", "world"]) == count_tokens(text="Hello") + count_tokens(text="world")
    chat = [{"role": "user", "content": "Tell me more of it, please. " * 20}]
    assert 95 < count_tokens(chat * 100) / count_tokens(chat) <= 100
    assert count_tokens() == 0


def test_a_long_text_is_weighed_by_samples() -> None:
    page = "The quick brown fox jumps over the lazy dog, 42 times. "
    short, long = count_tokens(text=page * 10), count_tokens(text=page * 10_000)
    assert 0.97 < long / (short * 1000) < 1.03


def test_an_image_is_not_counted_by_its_bytes() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}}
    assert count_tokens([{"role": "user", "content": [part]}]) < 2000


def test_all_that_the_model_reads_counts() -> None:
    plain = count_tokens([{"role": "assistant", "content": "Yes"}])
    call: dict[str, Any] = {
        "id": "c",
        "type": "function",
        "function": {"name": "look", "arguments": '{"city": "Paris"}'},
    }
    assert count_tokens([{"role": "assistant", "content": "Yes", "tool_calls": [call]}]) > plain
    assert count_tokens([{"role": "assistant", "content": "Yes", "reasoning_content": "Let me think"}]) > plain
    assert count_tokens([{"role": "assistant", "content": "Yes"}], tools=[call["function"]]) > plain
    assert count_tokens([{"role": "user", "content": "Hi"}], [call["function"]], model="claude-sonnet-4-5") > 346


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    assert count_tokens(text=[text, more]) >= count_tokens(text=text) >= 0


@given(
    st.lists(
        st.fixed_dictionaries({"role": st.just("user"), "content": st.text() | st.lists(JSON, max_size=3) | st.none()})
    )
)
def test_no_message_crashes_it(messages: list[dict[str, Any]]) -> None:
    assert count_tokens(messages, model="gpt-4o") >= 0
