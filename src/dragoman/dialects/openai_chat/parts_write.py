"""The parts of a message's content: hub -> wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.foreign_text import file_text, part_text
from dragoman.dialects.media_types import media_type_of, named_for
from dragoman.dialects.openai_chat.accent import ChatAccent, ChatWriteContext, FileForm
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
    if part.get("vendor") not in (None, context.target.vendor):
        text = part_text(part)
        return _text(text, part, path, context) if text else _unsupported(part, path, context)
    if kind in context.accent.unsupported_parts:
        return _unsupported(part, path, context)
    if kind == "file":
        return _file(part, path, context)
    kept = _without_marks(part, path, context)
    if kind == "image_url":
        kept["image_url"] = {key: value for key, value in part["image_url"].items() if key != "format"}
    return kept


def _text(text: str, part: JsonObject, path: str, context: ChatWriteContext) -> JsonObject:
    """Return the text that stands in for a part, whose marks are lost."""
    _without_marks(part, path, context)
    return {"type": "text", "text": text}


def _unsupported(part: JsonObject, path: str, context: ChatWriteContext) -> JsonObject | None:
    context.drops.unsupported(path, f"content of type {part.get('type')!r}")
    return None


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
    """Return a file by its id, its content or its address, where and as the target takes it."""
    text = file_text(part)  # a file is a PDF to providers of this dialect
    if text:
        return _text(text, {**part, "context": None}, path, context)
    file: JsonObject = part["file"]
    if not _takes(file, context.accent):
        context.drops.unsupported(path, "a file given by its address" if file.get("file_url") else "files")
        return None
    kept = _without_marks(part, path, context)
    del kept["file"]
    return {**kept, **_FILE_FORMS[context.accent.file](file)}


def _takes(file: JsonObject, accent: ChatAccent) -> bool:
    if not accent.file or (file.get("file_url") and not accent.file_url):
        return False
    return accent.file == "file" or not file.get("file_id")


def _source(file: JsonObject) -> str:
    return _data_url(file.get("file_url") or file.get("file_data"), file)


def _document_url(file: JsonObject) -> JsonObject:
    """https://docs.mistral.ai/capabilities/document_ai/document_qna"""
    name = {"document_name": file["filename"]} if file.get("filename") else {}
    return {"type": "document_url", "document_url": _source(file), **name}


def _file_url(file: JsonObject) -> JsonObject:
    """https://docs.perplexity.ai/guides/file-attachments"""
    return {"type": "file_url", "file_url": {"url": _source(file)}}


def _openai_file(file: JsonObject) -> JsonObject:
    """https://platform.openai.com/docs/guides/pdf-files"""
    kept = {key: value for key, value in file.items() if key not in ("file_url", "format")}
    url = _source(file)
    if url:
        kept["file_data"] = url
        kept.setdefault("filename", named_for(url[5:].partition(";")[0]))
    return {"type": "file", "file": kept}


_FILE_FORMS: dict[FileForm, Callable[[JsonObject], JsonObject]] = {
    "document_url": _document_url,
    "file_url": _file_url,
    "file": _openai_file,
}


def _data_url(source: str | None, file: JsonObject) -> str:
    """Return what OpenAI wants, a data: URL; some callers send bare base64."""
    if not source or source.startswith(("data:", "http://", "https://", "gs://")):
        return source or ""
    kind = file.get("format") or media_type_of(str(file.get("filename") or ""), source)
    return f"data:{kind};base64,{source}"
