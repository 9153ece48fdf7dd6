"""Bounds of the input tokens before a call: no vocabulary, one pass over the text, and never on the wrong side.

A byte-level tokenizer makes at most one token of each byte. OpenAI's make fewer: no two neighbouring tokens of a word can
be a token together, and all pairs of the common letters are tokens, so of three such letters two at least share one.
What no text shows (templates, hidden prompts of tools, media) is bounded by what was recorded, with a wide margin; what
has no bound (a PDF at an address, the pages that a search reads) is the model's whole window.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from dragoman.models.tokens._chat import as_json
from dragoman.models.tokens._families import Family, ImageRule, families, family_of, image_rule_of
from dragoman.models.tokens._images import image_upper_bound
from dragoman.types.model_entry import ModelEntry

__all__ = ["tokens_lower_bound", "tokens_upper_bound"]

_COMMON = bytes.maketrans(bytes(range(256)), bytes(97 if chr(n) in "abcdefghilmnoprstuw" else 32 for n in range(256)))
"""Letters all of whose pairs are tokens of all of OpenAI's vocabularies become a, everything else a space."""
_WORDS = bytes.maketrans(
    bytes(range(256)), bytes(97 if chr(n).isalpha() and n < 128 else 32 if n in b" \t\n\r" else 46 for n in range(256))
)
"""Letters become a, white space a space: every letter after white space begins a token of its own."""
_PER_MESSAGE, _PER_PART, _PER_CALL, _PER_TOOL = 16, 8, 64, 64
_PER_TEXT = 8
"""Of an embedding or a text completion: marks of beginning and end."""
_IMAGES = frozenset(("image_url", "input_image", "image"))
_OWN_TOOLS: Mapping[str, int] = {"computer": 4000, "bash": 2000, "text_editor": 4000, "memory": 4000, "custom": 2000}
"""Tools that the caller runs, defined by the vendor: their hidden prompts, at most."""
_ELSEWHERE = frozenset(
    {
        "cached_content",
        "container",
        "conversation",
        "data_sources",
        "mcp_servers",
        "plugins",
        "previous_response_id",
        "search_parameters",
        "web_search_options",
    }
)
"""Parameters by which the model reads what is not in the request."""
_SAFE_PARTS = frozenset({"redacted_thinking", "refusal", "search_result", "text", "thinking"})
"""Parts of which nothing is read but their own text."""


class _UnboundError(Exception):
    """A part without a bound."""


def tokens_upper_bound(
    request: Mapping[str, Any], *, provider: str, model: str, entry: ModelEntry | None = None
) -> int | None:
    """The input tokens of a chat, embedding or text completion (the hub's request) at most, as the provider will count them.

    The model's window where there is no other bound; None where that is unknown too. Never more than the window: a longer prompt is
    refused by every provider, or cut."""
    window = _window(entry)
    try:
        most = _most(request, family_of(model), image_rule_of(model))
    except _UnboundError:
        return window
    return most if window is None else min(most, window)


def tokens_lower_bound(
    request: Mapping[str, Any], *, provider: str, model: str, entry: ModelEntry | None = None
) -> int:
    """The input tokens at least. 0 where the model's vocabulary is unknown."""
    if not family_of(model).encoding:
        return 0
    return sum(_bytes(text).translate(_WORDS).count(b" a") for text in _plain_texts(request))


def _window(entry: ModelEntry | None) -> int | None:
    return max(entry.context_window or 0, entry.max_input_tokens or 0) or None if entry is not None else None


_DEFINITIONS = ("tools", "functions", "response_format")
"""Parameters for which providers add hidden instructions."""


def _most(request: Mapping[str, Any], family: Family, images: ImageRule) -> int:
    if family.unbounded or any(request.get(key) for key in _ELSEWHERE):
        raise _UnboundError
    most = _others(request)
    messages = request.get("messages")
    if messages is None:
        return most + _inputs(request.get("input", request.get("prompt")), family)
    # Another model may answer in its place.
    most += max(item.idle for item in families()) if request.get("models") else family.idle
    most += sum(_PER_MESSAGE + _message(message, family, images) for message in messages)
    most += sum(_PER_TOOL + _tool(tool) for tool in request.get("tools") or ())
    return most + (family.idle_tools if any(request.get(key) for key in _DEFINITIONS) else 0)


def _others(request: Mapping[str, Any]) -> int:
    """Every other parameter counts as if the model read it: schemas are read, and others may be."""
    vendors = request.get("vendor_params")
    for params in vendors.values() if isinstance(vendors, Mapping) else ():
        if isinstance(params, Mapping) and any(params.get(key) for key in _ELSEWHERE):
            raise _UnboundError
    known = ("messages", "tools", "input", "prompt", "model")
    return sum(_size(as_json(value)) for key, value in request.items() if key not in known)


def _inputs(value: Any, family: Family) -> int:
    """Of an embedding or a text completion: texts, or tokens already."""
    if isinstance(value, str):
        return _PER_TEXT + _text(value, family)
    if isinstance(value, int):
        return 1
    if isinstance(value, (list, tuple)):
        return _PER_TEXT + sum(_inputs(item, family) for item in value)
    return _PER_TEXT + _size(as_json(value))


def _message(message: Mapping[str, Any], family: Family, images: ImageRule) -> int:
    return sum(_field(key, value, family, images) for key, value in message.items() if value is not None)


def _field(key: str, value: Any, family: Family, images: ImageRule) -> int:
    if key == "content" and isinstance(value, str):
        return _text(value, family)
    if key in ("content", "images") and isinstance(value, (list, tuple)):
        return sum(_PER_PART + _part(part, family, images) for part in value)
    if key == "audio" and value:
        raise _UnboundError  # an earlier answer, which only its id names
    return _size(as_json(value)) + (_PER_CALL * len(value) if key == "tool_calls" else 0)


def _part(part: Any, family: Family, images: ImageRule) -> int:
    if not isinstance(part, Mapping):
        return _size(as_json(part))
    kind = part.get("type")
    if kind == "text" and isinstance(part.get("text"), str):
        return _text(part["text"], family) + (_size(as_json(part)) if len(part) > 2 else 0)
    if kind in _SAFE_PARTS:
        return _size(as_json(part))
    if kind in _IMAGES:
        return _known(image_upper_bound(part, images))
    content = part.get(kind) if kind in ("input_audio", "file") else None
    if not isinstance(content, Mapping):
        raise _UnboundError
    return _audio(content) if kind == "input_audio" else _file(part, content.get("file_data"))


def _audio(audio: Mapping[str, Any]) -> int:
    # 32 tokens a second is the most that is known, 750 bytes a second the least that can be understood.
    return len(str(audio.get("data") or "")) // 10 + 256


def _file(part: Mapping[str, Any], data: Any) -> int:
    if isinstance(data, str) and data.startswith("data:text/"):
        return _size(data) + _size(as_json({**part, "file": ""})) + 256
    raise _UnboundError


def _tool(tool: Mapping[str, Any]) -> int:
    kind = str(tool.get("type", "function"))
    size = _size(as_json(tool))
    return size if kind == "function" else size + _known(_OWN_TOOLS.get(kind))


def _text(text: str, family: Family) -> int:
    if not family.encoding:
        return _size(text)
    data = _bytes(text)
    return len(data) - data.translate(_COMMON).count(b"aaa")


def _size(text: str) -> int:
    """Bytes of a text, as it stands or with its signs taken apart: some tokenizers do that first (U+FDFA becomes 18 letters)."""
    size = len(_bytes(text))
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return size
    return max(size, len(_bytes(unicodedata.normalize("NFKC", text))))


def _plain_texts(request: Mapping[str, Any]) -> Iterator[str]:
    """Texts that the model reads word by word."""
    messages = request.get("messages")
    value = (
        request.get("input", request.get("prompt")) if messages is None else [each.get("content") for each in messages]
    )
    for item in value if isinstance(value, (list, tuple)) else (value,):
        for part in item if isinstance(item, (list, tuple)) else (item,):
            text = part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else part
            if isinstance(text, str):
                yield text


def _known(bound: int | None) -> int:
    if bound is None:
        raise _UnboundError
    return bound


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
