"""Write messages as `systemInstruction` and `contents`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from dragoman.dialects.call_pairs import paired
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.gemini.accent import GeminiWriteContext, is_gemini_3
from dragoman.dialects.gemini.assistant_write import content_part, model_parts
from dragoman.dialects.gemini.media import is_media
from dragoman.dialects.gemini.references import has_reference
from dragoman.dialects.validation import bad, expect_list, expect_object
from dragoman.types.chat import Message
from dragoman.types.json import JsonObject

__all__ = ["Contents", "write_contents"]

_SYSTEM = ("system", "developer")
_IN_RESULTS = ("image/", "application/pdf", "text/plain")
"""Media types that a function's response may hold: https://ai.google.dev/gemini-api/docs/function-calling#multimodal"""

_WRAPPING = frozenset({"wrapped_in", "json"})
"""The fields by which a reader tells how the value of a function was wrapped."""
_LONG_NUMBER = re.compile(r"(?<![\w\"])\d[\d.]{15,}")
"""More digits than a double holds, which is what Google's objects have for numbers: such a text has to stay a text."""


class Contents:
    """Collect the turns. Neighbours of one role become one turn; the results of calls stay a turn of their own, since Google
    counts them against the calls before them: https://ai.google.dev/gemini-api/docs/function-calling"""

    def __init__(self) -> None:
        self.turns: list[JsonObject] = []
        self.system: list[JsonObject] = []
        self._kind = ""

    def add(self, kind: str, parts: list[JsonObject]) -> None:
        """Add parts to the last turn, or in a turn of their own. `kind` is user, model or results."""
        if not parts:
            return
        if kind == self._kind:
            self.turns[-1]["parts"].extend(parts)
            return
        self._kind = kind
        self.turns.append({"role": "model" if kind == "model" else "user", "parts": parts})


def write_contents(messages: list[Message], context: GeminiWriteContext) -> Contents:
    contents = Contents()
    history = paired(expect_list(messages, "messages"))
    names = dict(_call_names([message for _, message in history]))
    attached: list[JsonObject] = []
    """Media of results, which follow all results of their turn."""
    for index, message in history:
        path = f"messages[{index}]"
        role = expect_object(message, path).get("role")
        _report_losses(message, path, context)
        if role in ("tool", "function"):
            contents.add("results", [_result(message, path, names, attached, context)])
            continue
        contents.add("user", attached)
        attached = []
        if role in _SYSTEM:
            _add_system(contents, message, path, context)
        elif role == "assistant":
            contents.add("model", model_parts(message, path, context))
        elif role == "user":
            contents.add("user", _user_parts(message, path, context) or [{"text": " "}])  # an empty part is refused
        else:
            raise bad(f"{path}.role", f"unknown role {role!r}")
    contents.add("user", attached)
    _repair(contents)
    return contents


def _report_losses(message: Message, path: str, context: GeminiWriteContext) -> None:
    if any(marked.get("cache_control") for marked in (message, *(message.get("tool_calls") or ()))):
        context.drops.degraded("cache_control")
    if message.get("name") and message.get("role") not in ("tool", "function"):
        context.drops.degraded(f"{path}.name")


def _repair(contents: Contents) -> None:
    """Make the contents valid: there must be some, and they cannot begin with a turn of the model."""
    if not contents.turns and contents.system:
        contents.turns = [{"role": "user", "parts": contents.system}]
        contents.system = []
    if contents.turns and contents.turns[0]["role"] == "model":
        contents.turns.insert(0, {"role": "user", "parts": [{"text": " "}]})


def _add_system(contents: Contents, message: Message, path: str, context: GeminiWriteContext) -> None:
    """Add a system message: to the instruction at the beginning, later as a turn of the user, for want of another role."""
    parts = _user_parts(message, path, context)
    if not contents.turns:
        contents.system.extend(parts)
    else:
        context.drops.degraded(f"{path}.role")
        contents.add("user", parts)


def _user_parts(message: Message, path: str, context: GeminiWriteContext) -> list[JsonObject]:
    content = message.get("content")
    if content is None:
        return []
    if isinstance(content, str):
        return [{"text": content}] if content else []
    written = [
        content_part(expect_object(part, f"{path}.content[{index}]"), f"{path}.content[{index}]", context)  # type: ignore[arg-type]
        for index, part in enumerate(expect_list(content, f"{path}.content"))
    ]
    return [part for part in written if part is not None and part != {"text": ""}]


def _call_names(messages: list[Message]) -> Iterator[tuple[str, str]]:
    for message in messages:
        for call in message.get("tool_calls") or ():
            function: Any = call.get("function") or call.get("custom") or {}
            if call.get("id"):
                yield call["id"], function.get("name") or ""


def _result(
    message: Message, path: str, names: dict[str, str], attached: list[JsonObject], context: GeminiWriteContext
) -> JsonObject:
    """Return the `functionResponse` of a tool message; media that have no place in it go to `attached`."""
    call_id = message.get("tool_call_id")
    name = _result_name(message, path, names)
    text, media = _result_content(message, path, context)
    own = (message.get("provider_specific_fields") or {}).get(context.target.vendor) or {}
    body: JsonObject = {
        "name": context.tool_names.to_wire(name),
        "response": _response(text, bool(message.get("is_error")), own),
        **_without_wrapping(own),
    }
    if call_id:
        body["id"] = call_id
    nested = [part for part in media if _fits_in_result(part, context)]
    if nested:
        body["parts"] = nested
    attached.extend(part for part in media if not _fits_in_result(part, context))
    return {"functionResponse": body}


def _without_wrapping(own: JsonObject) -> JsonObject:
    return {key: value for key, value in own.items() if key not in _WRAPPING}


def _result_name(message: Message, path: str, names: dict[str, str]) -> str:
    """Return the name of the function: that of the call with the result's id, or else the message's own."""
    call_id = message.get("tool_call_id")
    name = names.get(call_id or "") or message.get("name")
    if not name:
        raise bad(f"{path}.tool_call_id", f"no call before it has the id {call_id!r}, and the message has no name")
    return name


def _result_content(message: Message, path: str, context: GeminiWriteContext) -> tuple[str, list[JsonObject]]:
    content = message.get("content")
    if content is None or isinstance(content, str):
        return content or "", []
    texts: list[str] = []
    media: list[JsonObject] = []
    for index, part in enumerate(content):
        where = f"{path}.content[{index}]"
        written = content_part(expect_object(part, where), where, context)  # type: ignore[arg-type]
        if is_media(part) and written is not None:
            media.append(written)
        elif written is not None:
            texts.append(str(written.get("text") or ""))
    return "\n".join(texts), media


def _fits_in_result(part: JsonObject, context: GeminiWriteContext) -> bool:
    if not is_gemini_3(context):
        return False
    blob: Any = part.get("inlineData") or part.get("fileData") or {}
    return str(blob.get("mimeType") or "").startswith(_IN_RESULTS)


def _response(text: str, is_error: bool, own: JsonObject) -> JsonObject:
    """Return the object that Google takes: JSON that is one goes as it is, anything else under a name."""
    wrapped_in = own.get("wrapped_in")
    if isinstance(wrapped_in, str):
        return {wrapped_in: _value(text) if own.get("json") else text}
    value = _value(text) if text.lstrip()[:1] == "{" else text
    if is_error:
        return value if isinstance(value, dict) and "error" in value else {"error": value}
    return value if isinstance(value, dict) else {"result": value}


def _value(text: str) -> Any:
    """Return the JSON in `text`, or the text itself where it is none or where Google would read something else into it."""
    if _LONG_NUMBER.search(text):
        return text
    try:
        value = loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if has_reference(value) else value
