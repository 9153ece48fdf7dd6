"""The parts of a message's content: hub -> wire."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.foreign_text import file_text, part_text
from dragoman.dialects.media_types import media_type_of, named_for
from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.types.json import JsonObject

__all__ = ["write_parts"]

_EXTENSIONS = ("citations", "title", "context", "vendor")
_MARKED = frozenset(("cache_control", *_EXTENSIONS))


def write_parts(parts: list[Any], path: str, context: ChatWriteContext) -> list[JsonObject]:
    written = (_part(part, f"{path}[{index}]", context) for index, part in enumerate(parts))
    return [part for part in written if part is not None]


def _part(part: JsonObject, path: str, context: ChatWriteContext) -> JsonObject | None:
    kind = part.get("type")
    if kind == "text" and not part.keys() & _MARKED:
        return part
    accent = context.accent
    foreign = part.get("vendor") not in (None, context.target.vendor)
    if foreign and (text := part_text(part)):
        _without_marks(part, path, context)
        return {"type": "text", "text": text}
    if foreign or kind in accent.unsupported_parts:
        context.drops.unsupported(path, f"content of type {kind!r}")
        return None
    if kind == "file":
        if text := file_text(part):  # files are PDFs to those of this dialect
            _without_marks({**part, "context": None}, path, context)
            return {"type": "text", "text": text}
        return _file(part, path, context)
    kept = _without_marks(part, path, context)
    if kind == "image_url" and "format" in part["image_url"]:
        kept["image_url"] = {key: value for key, value in part["image_url"].items() if key != "format"}
    return kept


def _without_marks(part: JsonObject, path: str, context: ChatWriteContext) -> JsonObject:
    kept = {key: value for key, value in part.items() if key not in _EXTENSIONS}
    if "cache_control" in kept and not context.accent.cache_control:
        del kept["cache_control"]
        context.drops.degraded("cache_control")
    citations = part.get("citations")
    if isinstance(citations, dict) and citations.get("enabled"):
        context.drops.degraded("citations")
    if part.get("context"):
        context.drops.degraded(f"{path}.context")
    return kept


def _file(part: JsonObject, path: str, context: ChatWriteContext) -> JsonObject | None:
    """A file by its id, its content or its address, where and as the target takes it."""
    accent = context.accent
    file: JsonObject = part["file"]
    address = file.get("file_url")
    if not accent.file or (address and not accent.file_url) or (file.get("file_id") and accent.file != "file"):
        context.drops.unsupported(path, "a file given by its address" if address else "files")
        return None
    kept = _without_marks(part, path, context)
    source = address or file.get("file_data")
    if accent.file == "document_url":
        named = {"document_name": file["filename"]} if file.get("filename") else {}
        del kept["file"]
        return {**kept, "type": "document_url", "document_url": _data_url(source, file), **named}
    if accent.file == "file_url":
        del kept["file"]
        return {**kept, "type": "file_url", "file_url": {"url": _data_url(source, file)}}
    kept["file"] = {key: value for key, value in file.items() if key not in ("file_url", "format")}
    if source:
        kept["file"]["file_data"] = url = _data_url(source, file)
        kept["file"].setdefault("filename", named_for(url[5:].partition(";")[0]))
    return kept


def _data_url(source: str | None, file: JsonObject) -> str:
    """OpenAI wants a data: URL; some callers send bare base64."""
    if not source or source.startswith(("data:", "http://", "https://", "gs://")):
        return source or ""
    kind = file.get("format") or media_type_of(str(file.get("filename") or ""), source)
    return f"data:{kind};base64,{source}"
