"""The messages of a caller's request, and the parts of their content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.openai_chat.tool_calls import arguments_text
from dragoman.dialects.validation import expect, expect_object, expect_str, optional, wrong_type
from dragoman.types.json import JsonObject

__all__ = ["read_message"]

_LISTS = ("thinking_blocks", "provider_tool_blocks", "block_order", "images")


def read_message(message: Any, path: str) -> JsonObject:
    """Return a message as it stands where it is plain, or a corrected copy where a field had another shape."""
    message = expect_object(message, path)
    expect_str(message.get("role"), f"{path}.role")
    changed: JsonObject = {}
    _content(message, changed, path)
    if message["role"] == "assistant":
        _assistant(message, changed, path)
    if "tool_calls" in message:
        _calls(message, changed, path)
    for key in ("name", "tool_call_id"):
        optional(message, key, str, path)
    if "reasoning" not in message:
        return {**message, **changed} if changed else message
    return {key: value for key, value in (message | changed).items() if key != "reasoning"}


def _content(message: JsonObject, changed: JsonObject, path: str) -> None:
    content = message.get("content")
    if isinstance(content, list):
        parts = [_read_part(part, f"{path}.content[{index}]") for index, part in enumerate(content)]
        if any(new is not old for new, old in zip(parts, content, strict=True)):
            changed["content"] = parts
    elif content is not None and not isinstance(content, str):
        raise wrong_type(f"{path}.content", "a string or an array of parts", content)


def _assistant(message: JsonObject, changed: JsonObject, path: str) -> None:
    for key in _LISTS:
        for index, item in enumerate(optional(message, key, list, path) or ()):
            expect(item, str if key == "block_order" else dict, f"{path}.{key}[{index}]")
    optional(message, "reasoning_content", str, path)
    reasoning = message.get("reasoning")  # OpenRouter's, Groq's and Ollama's name for it
    if isinstance(reasoning, str) and reasoning and not message.get("reasoning_content"):
        changed["reasoning_content"] = reasoning


def _calls(message: JsonObject, changed: JsonObject, path: str) -> None:
    calls = optional(message, "tool_calls", list, path)
    if calls is not None:
        read = [_call(call, f"{path}.tool_calls[{index}]") for index, call in enumerate(calls)]
        if any(new is not old for new, old in zip(read, calls, strict=True)):
            changed["tool_calls"] = read


def _call(raw: Any, path: str) -> JsonObject:
    call = expect_object(raw, path)
    if "function" not in call:
        return call
    function = expect_object(call["function"], f"{path}.function")
    expect_str(function.get("name"), f"{path}.function.name")
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        return call
    if arguments is not None and not isinstance(arguments, dict):
        raise wrong_type(f"{path}.function.arguments", "a string", arguments)
    return {**call, "function": {**function, "arguments": arguments_text(arguments, "{}")}}


def _read_part(raw: Any, path: str) -> JsonObject:
    """A content part as it stands; an image or a video given as a bare address becomes an object. Unknown types are kept."""
    if isinstance(raw, str):
        return {"type": "text", "text": raw}
    part = expect_object(raw, path)
    check = _PARTS.get(expect_str(part.get("type"), f"{path}.type"))
    return part if check is None else check(part, path)


def _text(part: JsonObject, path: str) -> JsonObject:
    expect_str(part.get("text"), f"{path}.text")
    return part


def _refusal(part: JsonObject, path: str) -> JsonObject:
    expect_str(part.get("refusal"), f"{path}.refusal")
    return part


def _address(key: str) -> Callable[[JsonObject, str], JsonObject]:
    def check(part: JsonObject, path: str) -> JsonObject:
        value = part.get(key)
        if isinstance(value, str):
            return {**part, key: {"url": value}}
        inner = expect_object(value, f"{path}.{key}")
        expect_str(inner.get("url"), f"{path}.{key}.url")
        optional(inner, "detail", str, f"{path}.{key}")
        return part

    return check


def _audio(part: JsonObject, path: str) -> JsonObject:
    inner = expect_object(part.get("input_audio"), f"{path}.input_audio")
    expect_str(inner.get("data"), f"{path}.input_audio.data")
    expect_str(inner.get("format"), f"{path}.input_audio.format")
    return part


def _file(part: JsonObject, path: str) -> JsonObject:
    inner = expect_object(part.get("file"), f"{path}.file")
    for key in ("file_id", "file_data", "file_url", "filename", "format"):
        optional(inner, key, str, f"{path}.file")
    return part


_PARTS: dict[str, Callable[[JsonObject, str], JsonObject]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _address("image_url"),
    "video_url": _address("video_url"),
    "input_audio": _audio,
    "file": _file,
}
