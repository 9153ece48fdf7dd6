"""Fields that whole messages and deltas share: fields under other names, contents of other shapes, empty fields."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from dragoman.dialects.openai_chat.reasoning_details import text_of
from dragoman.types.json import JsonObject

__all__ = ["Content", "prune", "read_content", "reasoning_text", "search_annotations", "text"]


_OFTEN_EMPTY = frozenset(("tool_calls", "annotations", "refusal", "function_call", "audio", "name"))


class Content(NamedTuple):
    text: str | None
    reasoning: str
    rest: list[JsonObject]
    """Parts that are neither text nor reasoning."""


def text(value: Any) -> str:
    """`value` where it is text, else nothing."""
    return value if isinstance(value, str) else ""


def read_content(content: Any) -> Content:
    """Content as a string, Mistral's list of parts, or an object (Cloudflare parses structured output itself)."""
    if content is None or isinstance(content, str):
        return Content(content, "", [])
    if not isinstance(content, list):
        return Content(orjson.dumps(content).decode(), "", [])
    words: list[str] = []
    thoughts: list[str] = []
    rest: list[JsonObject] = []
    for part in content:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict):
            _sort(part, words, thoughts, rest)
    return Content("".join(words) if words or not thoughts else None, "".join(thoughts), rest)


def _sort(part: JsonObject, words: list[str], thoughts: list[str], rest: list[JsonObject]) -> None:
    kind = part.get("type")
    if kind in ("text", "output_text"):
        words.append(text(part.get("text")))
    elif kind == "thinking":
        inner = part.get("thinking")
        thoughts.append(inner if isinstance(inner, str) else (read_content(inner).text or ""))
    else:
        rest.append(part)


def reasoning_text(message: JsonObject) -> str:
    """Its reasoning, in whichever field (Ollama's servers and some vLLM fill two with the same)."""
    for key in ("reasoning_content", "reasoning"):
        if isinstance(message.get(key), str) and message[key]:
            return str(message[key])
    details = message.get("reasoning_details")
    return text_of(details) if isinstance(details, list) else ""


def prune(message: JsonObject) -> None:
    """Take out fields that are there but hold nothing, as Snowflake, Writer and vLLM send them."""
    for key in message.keys() & _OFTEN_EMPTY:
        value = message[key]
        if not value or (isinstance(value, dict) and not any(value.values())):
            del message[key]
    if not isinstance(message.get("annotations", []), list):
        del message["annotations"]


def search_annotations(body: JsonObject) -> list[Any]:
    """Perplexity's sources as OpenAI's annotations. They belong to the whole text, so they have no place in it."""
    results = body.get("search_results")
    if isinstance(results, list) and results:
        sources = [(result.get("url"), result.get("title")) for result in results if isinstance(result, dict)]
    else:
        citations = body.get("citations")
        sources = [(url, "") for url in citations] if isinstance(citations, list) else []
    return [
        {
            "type": "url_citation",
            "url_citation": {"url": url, "title": text(title), "start_index": 0, "end_index": 0},
        }
        for url, title in sources
        if isinstance(url, str)
    ]
