"""Read a Gemini caller's `systemInstruction` and `contents` as messages."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.gemini.fields import fields, items
from dragoman.dialects.gemini.media import read_media
from dragoman.dialects.gemini.parts_read import CallIds, PartsReader, as_message
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.validation import bad, expect_object, expect_str
from dragoman.types.chat import ContentPart, Message
from dragoman.types.json import JsonObject

__all__ = ["read_contents", "read_system"]

_ROLES = {"": "user", "user": "user", "function": "user", "model": "model", "system": "system"}
_TEXT = frozenset({"text", "thought"})
_RESULT = frozenset({"id", "name", "response", "parts"})


def read_system(value: Any) -> list[Message]:
    """Return the instruction, which is a content or, as the SDK takes it, a string."""
    if value is None:
        return []
    if isinstance(value, str):
        return [{"role": "system", "content": value}]
    parts = fields(value, "systemInstruction").get("parts")
    content = [
        _user_part(fields(part, f"systemInstruction.parts[{index}]"), f"systemInstruction.parts[{index}]")
        for index, part in enumerate(items(parts, "systemInstruction.parts"))
    ]
    return [{"role": "system", "content": _content(content)}] if content else []


def read_contents(value: Any, path: str = "contents") -> list[Message]:
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    reader = _Reader()
    for index, content in enumerate(items(value, path)):
        reader.read(content, f"{path}[{index}]")
    return reader.messages


def _content(parts: list[ContentPart]) -> str | list[ContentPart]:
    """Return the content of a message: a string where it is a single plain text."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"} and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._ids = CallIds()
        self._open: list[tuple[str, str]] = []
        """(id, name) of calls that have no result yet."""

    def read(self, raw: Any, path: str) -> None:
        if isinstance(raw, str):
            self.messages.append({"role": "user", "content": raw})
            return
        content = fields(raw, path)
        role = expect_str(content.get("role", ""), f"{path}.role")
        if role not in _ROLES:
            raise bad(f"{path}.role", f"unknown role {role!r}: user and model are known")
        parts = items(content.get("parts"), f"{path}.parts")
        if not parts and _ROLES[role] != "model":  # the model may have answered nothing
            raise bad(f"{path}.parts", "contents.parts must not be empty", code="missing_required_parameter")
        if _ROLES[role] == "model":
            self._model(parts, f"{path}.parts")
        else:
            self._user(parts, f"{path}.parts", _ROLES[role])

    def _model(self, parts: list[Any], path: str) -> None:
        reader = PartsReader(self._ids, unseals=True)
        delta = reader.read(parts, path)
        for key, value in reader.close().items():
            delta[key] = value  # type: ignore[literal-required]
        message = as_message(delta, reader.order)
        audio = message.get("audio")
        if audio:
            message["audio"] = {"data": "".join(audio["pieces"]), "format": audio["format"]}
        for call in message.get("tool_calls") or ():
            self._open.append((call["id"], call["function"]["name"]))
        self.messages.append(message)

    def _user(self, parts: list[Any], path: str, role: str) -> None:
        """Read results of calls as messages of their own; the parts around them keep their place."""
        content: list[ContentPart] = []
        before = len(self.messages)
        for index, raw in enumerate(parts):
            where = f"{path}[{index}]"
            part = fields(raw, where)
            if "functionResponse" not in part:
                content.append(_user_part(part, where))
                continue
            if content:
                self.messages.append({"role": role, "content": _content(content)})
                content = []
            self.messages.append(self._result(part, where))
        if content or len(self.messages) == before:
            self.messages.append({"role": role, "content": _content(content) if content else ""})

    def _result(self, part: JsonObject, path: str) -> Message:
        where = f"{path}.functionResponse"
        result = fields(part["functionResponse"], where)
        name = expect_str(result.get("name", ""), f"{where}.name")
        call_id = self._call_id(result.get("id"), name, where)
        key, text, own = _response_text(expect_object(result.get("response", {}), f"{where}.response"))
        media = [
            read_media(fields(item, f"{where}.parts[{index}]"), f"{where}.parts[{index}]")
            for index, item in enumerate(items(result.get("parts"), f"{where}.parts"))
        ]
        content: Any = [{"type": "text", "text": text}, *media] if media else text
        message: Message = {"role": "tool", "tool_call_id": call_id, "content": content}
        if name:
            message["name"] = name
        if key == "error":
            message["is_error"] = True
        own.update({name: value for name, value in result.items() if name not in _RESULT})
        if own:
            message["provider_specific_fields"] = {VENDOR: own}
        return message

    def _call_id(self, result_id: Any, name: str, path: str) -> str:
        """Return the result's own id, or that of the oldest open call of its name: Gemini matches by name and order."""
        if result_id is not None:
            matched_id = expect_str(result_id, f"{path}.id")
            self._open = [call for call in self._open if call[0] != matched_id]
            return matched_id
        for position, (call_id, call_name) in enumerate(self._open):
            if call_name == name:
                del self._open[position]
                return call_id
        return self._ids.make()


def _response_text(response: JsonObject) -> tuple[str, str, JsonObject]:
    """Return the key that held the result (or none), its text, and the fields that restore the wrapping.

    A single `output`, `result` or `error` only wraps the function's value; any other object is the value itself.
    https://ai.google.dev/api/caching#FunctionResponse
    """
    for key in ("result", "output", "error"):
        if response.keys() == {key}:
            value = response[key]
            if not isinstance(value, str):
                return key, dump_json(value), {"wrapped_in": key, "json": True}
            plain = key == "error" or (key == "result" and value.lstrip()[:1] != "{")
            return key, value, {} if plain else {"wrapped_in": key}
    return "", dump_json(response), {}


def _user_part(part: JsonObject, path: str) -> ContentPart:
    if "inlineData" in part or "fileData" in part:
        return read_media(part, path)
    if "text" in part:
        return _text_part(part, path)
    kind = next((key for key in part if key not in ("thought", "thoughtSignature")), None)
    if kind is None:
        raise bad(path, "a part without data")
    return {**part, "type": kind, "vendor": VENDOR}  # type: ignore[typeddict-item]


def _text_part(part: JsonObject, path: str) -> ContentPart:
    result: ContentPart = {"type": "text", "text": expect_str(part["text"], f"{path}.text")}
    extra = {key: value for key, value in part.items() if key not in _TEXT or (key == "thought" and value is True)}
    if extra:
        result["extra_content"] = {VENDOR: extra}  # type: ignore[typeddict-unknown-key]
    return result
