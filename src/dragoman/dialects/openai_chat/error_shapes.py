"""Where OpenAI and its many likenesses put what they say in an error body."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from dragoman.types.json import JsonObject

__all__ = ["ErrorFields", "error_fields"]


@dataclass(slots=True)
class ErrorFields:
    """The fields of an error body."""

    message: str = ""
    code: str = ""
    type: str = ""
    param: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


def error_fields(body: Any) -> ErrorFields:
    """Read any of the known shapes; an unknown one gives empty fields.

    {"error": {...}}, {"error": "text", "code"?}, {"message", "type"?, "code"?}, {"detail": "text" | [{"loc", "msg"}]},
    {"errors": [{...} | "text"]}, {"base_resp": {"status_code", "status_msg"}}, and any of these as the only item of a
    list (Google).
    """
    if isinstance(body, list):
        return error_fields(body[0]) if body else ErrorFields()
    if not isinstance(body, dict):
        return ErrorFields(message=body if isinstance(body, str) else "")
    fields = ErrorFields()
    for layer in _layers(body):
        _add(fields, layer)
    return fields


def _layers(body: JsonObject) -> Iterator[JsonObject]:
    """Yield the objects that tell something of the error, the innermost first."""
    for key in ("error", "errors", "detail"):
        inner = body.get(key)
        if isinstance(inner, str) and inner:
            yield {"message": inner}
        elif isinstance(inner, dict):
            yield inner
            if isinstance(inner.get("innererror"), dict):  # Azure: the policy's own word
                yield {"code": inner["innererror"].get("code")}
        elif isinstance(inner, list):
            yield from (_item(item) for item in inner[:5])
    base = body.get("base_resp")
    if isinstance(base, dict):  # MiniMax: https://platform.minimax.io/docs/api-reference/errorcode
        yield {"message": base.get("status_msg"), "code": base.get("status_code")}
    yield body


def _item(item: Any) -> JsonObject:
    if not isinstance(item, dict):
        return {"message": str(item)}
    place = item.get("loc")
    if not isinstance(place, list):
        return item
    path = ".".join(str(step) for step in place if step != "body")  # FastAPI
    return {"message": f"{path}: {item.get('msg')}", "param": path}


def _add(fields: ErrorFields, layer: JsonObject) -> None:
    """Take what the outer layers lack: the innermost layer counts first."""
    for key in ("message", "msg", "title"):
        if not fields.message and isinstance(layer.get(key), str):
            fields.message = layer[key]
    for key in ("code", "type", "param"):
        value = layer.get(key)
        if not getattr(fields, key) and isinstance(value, str | int) and not isinstance(value, bool):
            setattr(fields, key, str(value))
    for key in ("status_code", "raw_status_code", "status", "code"):
        if not fields.status:
            fields.status = _status(layer.get(key))
    _openrouter(fields, layer.get("metadata"))


def _openrouter(fields: ErrorFields, metadata: Any) -> None:
    """OpenRouter says "Provider returned error", and keeps in `metadata` what the provider said."""
    if not isinstance(metadata, dict):
        return
    raw = metadata.get("raw")
    if raw:
        words = raw if isinstance(raw, str) else orjson.dumps(raw).decode()
        fields.message = f"{fields.message}: {words}" if fields.message else words
    headers = metadata.get("headers")
    if isinstance(headers, dict):
        fields.headers = {str(name).lower(): str(value) for name, value in headers.items()}


def _status(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
        value = int(value)
    return value if type(value) is int and 400 <= value < 600 else 0
