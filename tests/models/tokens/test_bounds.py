"""Bounds of the input tokens: never on the wrong side of what any provider reported, or of any vocabulary."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dragoman.models import count_tokens, tokens_lower_bound, tokens_upper_bound
from dragoman.types.model_entry import ModelEntry
from tests.models.tokens.counted import Exchange, replaced
from tests.models.tokens.test_images import png

WINDOW = ModelEntry(provider="p", model="m", context_window=100_000)
TEXTS = st.text() | st.text(alphabet=" \t\n'aeioubcd.!/Éé日\u0301🧠ſ12", max_size=300)
"""Letters that are common, and what may stand between them."""


def upper(request: Any, model: str = "m", entry: ModelEntry | None = None) -> int | None:
    return tokens_upper_bound(request, provider="p", model=model, entry=entry)


def lower(request: Any, model: str = "m") -> int:
    return tokens_lower_bound(request, provider="p", model=model)


def chat(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}], **more}


def honest(exchange: Exchange) -> bool:
    return not replaced(exchange) and not exchange.shrunk


def test_no_recorded_prompt_is_above_its_upper_bound(recorded: tuple[Exchange, ...]) -> None:
    bounded = 0
    for each in filter(honest, recorded):
        bound = upper(each.request, each.model)
        if bound is not None:
            bounded += 1
            assert each.reported <= bound, each
    assert bounded >= 400


def test_no_recorded_prompt_is_below_its_lower_bound(recorded: tuple[Exchange, ...]) -> None:
    for each in filter(honest, recorded):
        assert lower(each.request, each.model) <= each.reported, each


def test_long_recorded_prompts_are_bounded_within_reason(recorded: tuple[Exchange, ...]) -> None:
    long = [each for each in filter(honest, recorded) if each.reported > 1000]
    for each in long:
        bound = upper(each.request, each.model)
        assert bound is None or bound <= 10 * each.reported, each


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o", "gpt-5"])
@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_any_text_lies_between_its_bounds(model: str, text: str) -> None:
    exact = count_tokens(text=text, model=model)
    request = {"prompt": text}
    assert lower(request, model) <= exact <= (upper(request, model) or 0) - 8
    messages = [{"role": "user", "content": text}]
    assert (
        lower({"messages": messages}, model) <= count_tokens(messages, model=model) <= (upper(chat(text), model) or 0)
    )


@pytest.mark.parametrize("model", ["gpt-4", "gpt-4o"])
def test_the_letters_that_the_bound_calls_common_are_so(model: str) -> None:
    """All their pairs are tokens: that is what the proof of the bound rests on."""
    letters = "abcdefghilmnoprstuw"
    for first in letters:
        assert all(count_tokens(text=first + second, model=model) == 1 for second in letters)


def test_the_bound_of_common_words_is_below_their_bytes() -> None:
    text = "the thousand islands " * 100
    assert upper({"prompt": text}, "gpt-4o") == 8 + len(text) - 100 * (1 + 2 + 2)
    assert upper({"prompt": text}, "claude-sonnet-4-5") == 8 + len(text)


def test_signs_that_a_tokenizer_takes_apart_are_bounded_by_their_parts() -> None:
    """As those of Qwen and of many SentencePiece models do."""
    assert (upper({"prompt": "\ufdfa" * 100}) or 0) >= 100 * 33
    assert (upper({"prompt": "e\u0301" * 100}) or 0) >= 100 * 3
    assert upper({"prompt": "\ufdfa" * 100}, "gpt-4o") == 100 * 3 + 8


UNBOUNDED: list[dict[str, Any]] = [
    chat({"type": "file", "file": {"file_url": "https://example.com/a.pdf"}}),
    chat({"type": "file", "file": {"file_id": "file-1"}}),
    chat({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0="}}),
    chat({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}),
    chat({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}),
    chat({"type": "something_new", "id": "1"}),
    chat("hi", tools=[{"type": "web_search", "vendor": "anthropic", "definition": {}}]),
    chat("hi", web_search_options={}) | {"web_search_options": {"search_context_size": "low"}},
    chat("hi", cached_content="cachedContents/1"),
    chat("hi", vendor_params={"anthropic": {"mcp_servers": [{"url": "https://example.com"}]}}),
    {"messages": [{"role": "assistant", "content": "hi", "audio": {"id": "audio_1"}}]},
]


@pytest.mark.parametrize("request_", UNBOUNDED)
def test_what_nobody_can_bound_is_bounded_by_the_window(request_: dict[str, Any]) -> None:
    assert upper(request_) is None
    assert upper(request_, entry=ModelEntry(provider="p", model="m")) is None
    assert upper(request_, entry=WINDOW) == 100_000


def test_a_model_that_searches_by_itself_has_no_other_bound() -> None:
    assert upper(chat("hi"), "compound-beta") is None


def test_no_bound_is_above_the_window() -> None:
    assert upper(chat({"type": "text", "text": "a " * 1_000_000}), entry=WINDOW) == 100_000


def test_files_of_text_and_tools_that_the_caller_runs_are_bounded() -> None:
    text = base64.b64encode(b"word " * 1000).decode()
    bound = upper(chat({"type": "file", "file": {"file_data": f"data:text/plain;base64,{text}"}}))
    assert bound is not None
    assert 5000 <= bound <= 8000
    bound = upper(chat("hi", tools=[{"type": "bash", "vendor": "anthropic", "definition": {"name": "bash"}}]))
    assert bound is not None
    assert bound <= 5000


def test_images_are_bounded_by_their_size_or_their_models_rule() -> None:
    far = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    near = {"type": "image_url", "image_url": {"url": png(1024, 1024)}}
    assert (upper(chat(far), "gpt-4o") or 0) - (upper(chat(), "gpt-4o") or 0) in range(1445, 1500)
    for model in ("gpt-4o", "gpt-4o-mini", "gpt-5.4", "claude-opus-4-8", "gemini-2.5-pro", "m"):
        bound = upper(chat(near), model)
        assert bound is not None, model
        assert count_tokens([{"role": "user", "content": [near]}], model=model, vocabulary="none") <= bound


def test_sound_is_bounded_by_its_bytes() -> None:
    second = base64.b64encode(bytes(1000)).decode()
    part = {"type": "input_audio", "input_audio": {"data": second * 60, "format": "mp3"}}
    bound = upper(chat(part))
    assert bound is not None
    assert bound >= 60 * 32


@pytest.mark.parametrize(
    ("value", "most"), [([1, 2, 3], 3 + 8), ([[1, 2], [3]], 3 + 24), (["ab", "cd"], 4 + 24), ("abcd", 4 + 8)]
)
def test_embeddings_are_bounded(value: Any, most: int) -> None:
    assert upper({"input": value, "model": "m"}) == most


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(content=JSON, extra=JSON)
def test_no_request_crashes_a_bound(content: Any, extra: Any) -> None:
    request = {"messages": [{"role": "user", "content": content, "name": extra}], "metadata": extra}
    bound = upper(request)
    assert bound is None or bound >= lower(request)
