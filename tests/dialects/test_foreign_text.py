"""The text in Anthropic's own blocks reaches every other vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import RequestHints, Target

WORDS = "the words that matter"
TEXT = {"type": "text", "text": WORDS}
CITED = {"enabled": True}
BLOCKS: list[Any] = [
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": WORDS}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": WORDS}, "citations": CITED, "title": "t"},
    {"type": "document", "source": {"type": "content", "content": [TEXT]}, "citations": CITED},
    {"type": "document", "source": {"type": "content", "content": WORDS}, "context": "c"},
    {"type": "search_result", "source": "https://a.example", "title": "t", "content": [TEXT], "citations": CITED},
    {**TEXT, "citations": [{"type": "char_location", "cited_text": "x"}]},
]  # fmt: skip
TARGETS = [
    *(
        (openai_chat.CODEC, name, openai_chat.ACCENTS[name])
        for name in ("openai", "mistral", "groq", "deepseek", "cohere")
    ),
    (gemini.CODEC, "google", None),
]


def sent(messages: list[Any], codec: Any, name: str, accent: Any, **more: Any) -> str:
    body = {"model": "m", "max_tokens": 99, "messages": messages}
    request = anthropic_messages.CODEC.read_request(body, RequestHints())
    return json.dumps(codec.write_request(request, Target(name, "m", name, accent=accent, **more)).body)


def holds(body: str, words: str) -> bool:
    from base64 import b64encode

    return words in body or b64encode(words.encode()).decode() in body  # Google takes a text file


@pytest.mark.parametrize(("codec", "name", "accent"), TARGETS)
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("drop_params", [False, True])
def test_documents_and_search_results(codec: Any, name: str, accent: Any, block: Any, drop_params: bool) -> None:
    user = [{"role": "user", "content": [block]}]
    assert holds(sent(user, codec, name, accent, drop_params=drop_params), WORDS)
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [block]}]}
    assert holds(sent([call, result], codec, name, accent, drop_params=drop_params), WORDS)


@pytest.mark.parametrize(("codec", "name", "accent"), TARGETS)
@pytest.mark.parametrize("beside", [[], [{"type": "text", "text": "go on"}]])
def test_a_summary_of_what_came_before(codec: Any, name: str, accent: Any, beside: list[Any]) -> None:
    history = [
        {"role": "assistant", "content": [{"type": "compaction", "content": WORDS, "signature": "s"}, *beside]},
        {"role": "user", "content": "next"},
    ]
    body = sent(history, codec, name, accent)
    assert WORDS in body
    assert ("go on" in body) is bool(beside)


def test_claude_gets_its_blocks_back_as_they_were() -> None:
    compaction = {"type": "compaction", "content": WORDS, "signature": "s"}
    history = [
        {"role": "user", "content": BLOCKS[2:4]},
        {"role": "assistant", "content": [compaction]},
        {"role": "user", "content": "x"},
    ]
    body = json.loads(sent(history, anthropic_messages.CODEC, "anthropic", None))
    assert body["messages"][0]["content"] == BLOCKS[2:4]
    assert body["messages"][1]["content"] == [compaction]
