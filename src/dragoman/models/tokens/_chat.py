"""What of a chat is read by the model: its texts, and the tokens of all that is not text."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dragoman.models.tokens._families import Family, ImageRule
from dragoman.models.tokens._images import image_tokens
from dragoman.models.tokens._tools import as_typescript, is_confirmed

__all__ = ["ChatRequest", "Pieces", "as_json", "chat_pieces"]

_PER_MESSAGE = 3
_PER_NAMED_CHOICE = 5
_PER_SCHEMA = 9
_PER_PARALLEL_CALL = 10
_IMAGES = frozenset(("image_url", "input_image", "image"))
_WITHOUT_TEXT: Mapping[str, int] = MappingProxyType(
    {"input_audio": 800, "audio": 800, "video_url": 5000, "video": 5000, "file": 2500, "document": 2500}
)
"""Tokens of a part whose content cannot be counted here: half a minute of audio, twenty seconds of film, a few pages."""


@dataclass(slots=True)
class Pieces:
    """The parts of a prompt that are counted one by one."""

    texts: list[str] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)
    """Texts too: those of tools, calls and schemas."""
    fixed: int = 0
    sure: bool = True
    """False: it holds what recorded prompts did not confirm to the token, or what cannot be counted here at all."""

    def add(self, tokens: int, *, sure: bool = False) -> None:
        self.fixed += tokens
        self.sure &= sure


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """The parts of a request beside its messages, and its model."""

    family: Family
    images: ImageRule
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: Any = None
    response_format: Any = None
    image_tokens: int | None = None
    """Count this for every image."""


def chat_pieces(messages: Sequence[Mapping[str, Any]], request: ChatRequest) -> Pieces:
    """The pieces of a chat with its tools."""
    pieces = Pieces()
    exact = bool(request.family.encoding)
    for message in messages:
        pieces.fixed += _PER_MESSAGE if exact else request.family.message
        if exact:
            pieces.texts.append(str(message.get("role") or "user"))
        _message(message, request, pieces)
    if messages:
        pieces.fixed += request.family.reply if exact else request.family.chat
    if request.tools:
        _tools(messages, request, pieces)
    _schema(request, pieces)
    return pieces


def _schema(request: ChatRequest, pieces: Pieces) -> None:
    form = request.response_format.get("json_schema") if isinstance(request.response_format, Mapping) else None
    if isinstance(form, Mapping) and request.family.schema:
        pieces.definitions.append(as_json(form.get("schema")))
        pieces.add(_PER_SCHEMA)


def _message(message: Mapping[str, Any], request: ChatRequest, pieces: Pieces) -> None:
    for part in _parts(message.get("content")):
        _part(part, request, pieces)
    for key in ("name", "reasoning_content", "refusal"):
        if isinstance(message.get(key), str):
            pieces.texts.append(message[key])
            pieces.sure &= not message[key]
    calls = list(_calls(message))
    for call in calls:
        pieces.definitions += (str(call.get("name") or ""), _text(call.get("arguments", call.get("input"))))
        alone = len(calls) == 1
        pieces.add(request.family.call + (0 if alone else _PER_PARALLEL_CALL), sure=alone)
    for block in _parts(message.get("provider_tool_blocks")):
        pieces.definitions.append(as_json(block))
        pieces.sure = False


def _parts(content: Any) -> Sequence[Any]:
    if isinstance(content, str):
        return (content,)
    return content if isinstance(content, (list, tuple)) else ()


def _part(part: Any, request: ChatRequest, pieces: Pieces) -> None:
    if isinstance(part, str):
        pieces.texts.append(part)
        return
    if not isinstance(part, Mapping):
        pieces.texts.append(as_json(part))
        pieces.sure = False
        return
    kind = str(part.get("type", ""))
    if kind in _IMAGES:
        tokens, sure = image_tokens(part, request.images)
        pieces.add(
            tokens if request.image_tokens is None else request.image_tokens, sure=sure and request.image_tokens is None
        )
    elif kind == "file" and (text := _text_file(part)) is not None:
        pieces.texts.append(text)
        pieces.sure = False
    elif kind in _WITHOUT_TEXT:
        pieces.add(_WITHOUT_TEXT[kind])
    elif isinstance(part.get("text"), str):
        pieces.texts.append(part["text"])
    else:
        pieces.texts.append(as_json(part))
        pieces.sure = False


def _text_file(part: Mapping[str, Any]) -> str | None:
    """The text of a file that is plain text, and here."""
    file = part.get("file")
    data = file.get("file_data") if isinstance(file, Mapping) else None
    if not isinstance(data, str) or not data.startswith("data:text/"):
        return None
    head, _, body = data.partition(",")
    try:
        return base64.b64decode(body).decode("utf-8", "replace") if head.endswith(";base64") else body
    except ValueError:
        return None


def _calls(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, (list, tuple)) else ():
        if isinstance(call, Mapping):
            known = call.get("function") or call.get("custom")
            yield known if isinstance(known, Mapping) else {}
    if isinstance(message.get("function_call"), Mapping):
        yield message["function_call"]


def _tools(messages: Sequence[Mapping[str, Any]], request: ChatRequest, pieces: Pieces) -> None:
    pieces.fixed += request.family.tools
    if not request.family.encoding:
        pieces.definitions += map(as_json, request.tools)
        return
    if any(message.get("role") in ("system", "developer") for message in messages):
        pieces.fixed += request.family.tools_beside_system
    pieces.definitions.append(as_typescript(request.tools))
    pieces.sure &= request.family.tools_sure and all(map(is_confirmed, request.tools))
    choice = request.tool_choice
    if isinstance(choice, Mapping):
        function = choice.get("function")
        pieces.definitions.append(str(function.get("name", "")) if isinstance(function, Mapping) else as_json(choice))
        pieces.add(_PER_NAMED_CHOICE)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else as_json(value)


def as_json(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
