"""How many tokens a prompt takes: an estimate without a vocabulary, tuned to lie a little above the real count.

Text is cut as byte-pair tokenizers cut it (words, groups of three digits, runs of space, punctuation), and each piece is
weighed by its length and script. Messages and tools add what chat formats add. A later catalogue makes it exact where a
vocabulary is at hand; the provider's own count is exact everywhere it exists.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dragoman.models.tokens._families import counting

__all__ = ["count_tokens"]

_PIECES = re.compile(
    r"(?P<word> ?[A-Z]?[a-z]+)"
    r"|(?P<capitals> ?(?:[A-Z]+(?![a-z])|[A-Z]))"
    r"|(?P<digits>\d{1,3})"
    r"|(?P<space>\s+)"
    r"|(?P<signs> ?[!-/:-@\[-`{-~]+)"
    r"|(?P<other>[^\x00-\x7f]+|.)"
)
_SAMPLES, _SAMPLE = 24, 1024
_PER_MESSAGE = 4
_PER_REPLY = 3
_PER_TOOL = 8
_PARTS_WITHOUT_TEXT: Mapping[str, int] = MappingProxyType(
    {
        "image_url": 1105,
        "input_image": 1105,
        "image": 1105,
        "input_audio": 800,
        "video_url": 5000,
        "file": 2500,
        "document": 2500,
    }
)
"""Tokens of a part whose content cannot be counted here: an image of usual size at high detail, half a minute of audio, a few
pages, twenty seconds of film."""


def count_tokens(
    messages: Sequence[Mapping[str, Any]] | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    text: str | Sequence[str] | None = None,
    model: str = "",
) -> int:
    """Estimate the input tokens of a chat, of tool definitions, or of plain text, for `model`."""
    density, of_chat, of_tools = counting(model)
    read: list[str | int] = [text] if isinstance(text, str) else list(text or ())
    added = 0
    if messages:
        read.append(_PER_REPLY)
        for message in messages:
            read.append(_PER_MESSAGE)
            read.extend(map(_part, _parts(message)))
        added += of_chat
    if tools:
        for tool in tools:
            read += (_PER_TOOL, _json(tool))
        added += of_tools
    fixed = sum(item for item in read if isinstance(item, int))
    return math.ceil((fixed + _weigh([item for item in read if isinstance(item, str)])) * density) + added


def _parts(message: Mapping[str, Any]) -> Iterable[Any]:
    """All of a message that the model reads: strings, and parts as they are."""
    content = message.get("content")
    yield from [content] if isinstance(content, str) else content or ()
    for key in ("name", "reasoning_content", "refusal"):
        if isinstance(message.get(key), str):
            yield message[key]
    for call in message.get("tool_calls") or ():
        yield {"type": "call", "call": call.get("function") or call.get("custom") or {}}
    if message.get("function_call"):
        yield {"type": "call", "call": message["function_call"]}


def _part(part: Any) -> str | int:
    """The text of a part, or the tokens of one that has none."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return _json(part)
    kind = str(part.get("type", ""))
    if kind in _PARTS_WITHOUT_TEXT:
        return _PARTS_WITHOUT_TEXT[kind]
    if isinstance(part.get("text"), str):
        return str(part["text"])
    return _json(part)


def _json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))


def _weigh(texts: list[str]) -> float:
    """Long texts are weighed by samples spread over them: an event loop must not wait for a book to be read."""
    length = sum(map(len, texts))
    if length <= _SAMPLES * _SAMPLE:
        return sum(map(_weigh_all, texts))
    whole = "\n".join(texts)
    step = (len(whole) - _SAMPLE) / (_SAMPLES - 1)
    starts = [int(step * index) for index in range(_SAMPLES)]
    sampled = sum(_weigh_all(whole[start : start + _SAMPLE]) for start in starts)
    return sampled * len(whole) / (_SAMPLES * _SAMPLE)


def _weigh_all(text: str) -> float:
    total = 0.0
    for match in _PIECES.finditer(text):
        total += _WEIGHTS[match.lastgroup or "other"](match[0])
    return total


def _word(piece: str) -> float:
    letters = len(piece.lstrip())
    return 1 if letters <= 7 else 1 + (letters - 7) / 7


def _capitals(piece: str) -> float:
    letters = len(piece.lstrip())
    return 1 if letters <= 3 else 1 + (letters - 3) / 3


def _signs(piece: str) -> float:
    return 1 + max(0, len(piece.strip()) - 2) / 2


def _space(piece: str) -> float:
    return 1 + len(piece) / 40


def _other(piece: str) -> float:
    """Scripts beyond ASCII by their length in UTF-8: a Latin or Cyrillic letter takes two bytes, a CJK one three."""
    return sum(0.5 if ord(sign) < 0x800 else 1.0 if ord(sign) < 0x10000 else 2.5 for sign in piece)


_WEIGHTS = MappingProxyType(
    {
        "word": _word,
        "capitals": _capitals,
        "digits": lambda piece: 1.0,
        "space": _space,
        "signs": _signs,
        "other": _other,
    }
)
