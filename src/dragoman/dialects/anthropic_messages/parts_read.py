"""Content blocks of users and tools, as the hub's parts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject

__all__ = ["cache_mark", "read_content", "read_parts"]

_DOCUMENT_KEYS = frozenset({"type", "source", "title", "context", "citations", "cache_control"})
_IMAGE_KEYS = frozenset({"type", "source", "cache_control"})
_TEXT_KEYS = frozenset({"type", "text", "cache_control"})


def read_content(value: object, path: str) -> str | list[JsonObject]:
    """A string stays one; a list of blocks becomes a list of parts."""
    if isinstance(value, str):
        return value
    return read_parts(expect_list(value, path), path)


def read_parts(blocks: list[Any], path: str) -> list[JsonObject]:
    return [_read_part(expect_object(block, f"{path}[{n}]"), f"{path}[{n}]") for n, block in enumerate(blocks)]


def cache_mark(block: JsonObject, path: str) -> JsonObject:
    """`{"cache_control": ...}` where the block has one, to be merged."""
    mark = block.get("cache_control")
    if mark is None:
        return {}
    return {"cache_control": expect_object(mark, f"{path}.cache_control")}


def _read_part(block: JsonObject, path: str) -> JsonObject:
    kind = expect_str(block.get("type"), f"{path}.type")
    reader = _READERS.get(kind)
    part = reader(block, path) if reader is not None else None
    if part is None:
        return block | {"vendor": VENDOR}
    return part | cache_mark(block, path)


def _has_more(block: JsonObject, known: frozenset[str]) -> bool:
    return any(value is not None for key, value in block.items() if key not in known)


def _read_text(block: JsonObject, path: str) -> JsonObject | None:
    text = expect_str(block.get("text"), f"{path}.text")
    return None if _has_more(block, _TEXT_KEYS) else {"type": "text", "text": text}


def _read_image(block: JsonObject, path: str) -> JsonObject | None:
    source = expect_object(block.get("source"), f"{path}.source")
    kind = expect_str(source.get("type"), f"{path}.source.type")
    if _has_more(block, _IMAGE_KEYS):
        return None
    if kind == "base64":
        return {"type": "image_url", "image_url": {"url": _data_url(source, f"{path}.source")}}
    if kind == "url":
        return {"type": "image_url", "image_url": {"url": expect_str(source.get("url"), f"{path}.source.url")}}
    if kind == "file":
        file_id = expect_str(source.get("file_id"), f"{path}.source.file_id")
        return {"type": "file", "file": {"file_id": file_id, "format": "image/*"}}
    raise bad(f"{path}.source.type", f"expected base64, url or file, got {kind!r}")


def _data_url(source: JsonObject, path: str) -> str:
    media_type = expect_str(source.get("media_type"), f"{path}.media_type")
    return f"data:{media_type};base64,{expect_str(source.get('data'), f'{path}.data')}"


def _read_document(block: JsonObject, path: str) -> JsonObject | None:
    source = expect_object(block.get("source"), f"{path}.source")
    file = _read_source(source, f"{path}.source")
    if file is None or _has_more(block, _DOCUMENT_KEYS):
        return None
    part: JsonObject = {"type": "file", "file": file}
    for key in ("title", "context"):
        if block.get(key) is not None:
            part[key] = expect(block[key], str, f"{path}.{key}")
    if block.get("citations") is not None:
        part["citations"] = expect_object(block["citations"], f"{path}.citations")
    if "title" in part:
        file["filename"] = part["title"]
    return part


def _read_source(source: JsonObject, path: str) -> JsonObject | None:
    kind = expect_str(source.get("type"), f"{path}.type")
    if kind == "base64":
        return {"file_data": _data_url(source, path)}
    if kind == "text":
        text = expect_str(source.get("data"), f"{path}.data").encode("utf-8", "surrogatepass")
        return {"file_data": f"data:text/plain;base64,{b64encode(text).decode()}"}
    if kind == "url":
        return {"file_url": expect_str(source.get("url"), f"{path}.url"), "format": "application/pdf"}
    if kind == "file":
        return {"file_id": expect_str(source.get("file_id"), f"{path}.file_id")}
    return None


_READERS: dict[str, Callable[[JsonObject, str], JsonObject | None]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
}
"""Each gives None for a block that says more than the hub can: it is kept verbatim, as blocks of other types are."""
