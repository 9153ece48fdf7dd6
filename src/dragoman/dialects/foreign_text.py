"""The text in one vendor's own blocks, for the vendors that have no such block: it goes along as plain text."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

__all__ = ["file_text", "part_text", "with_summaries"]


def part_text(part: dict[str, Any]) -> str:
    """Return the text of a document, a search result or a text of Anthropic's; empty where there is none (or not only text)."""
    kind = part.get("type")
    if kind == "text":
        return str(part.get("text") or "")
    reader = _BODIES.get(kind) if isinstance(kind, str) else None
    body = reader(part) if reader is not None else ""
    return _under_heading(part, ("title", "source", "context"), body)


def _under_heading(part: dict[str, Any], keys: tuple[str, ...], body: str) -> str:
    heading = [part[key] for key in keys if isinstance(part.get(key), str) and part[key]]
    return "\n\n".join([*heading, body]) if body else ""


def _document_body(part: dict[str, Any]) -> str:
    source = part.get("source")
    if not isinstance(source, dict):
        return ""
    return str(source.get("data") or "") if source.get("type") == "text" else _texts(source.get("content"))


def _texts(content: Any) -> str:
    """Return the text of a list of blocks; empty where one of them is no text."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    if not all(isinstance(block, dict) and isinstance(block.get("text"), str) for block in blocks):
        return ""
    return "\n\n".join(block["text"] for block in blocks)


_BODIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "search_result": lambda part: _texts(part.get("content")),
    "document": _document_body,
}


def file_text(part: dict[str, Any]) -> str:
    """Return the text of a file part that holds plain text, under its title and context; empty for any other file."""
    head, _, data = str((part.get("file") or {}).get("file_data") or "").partition(",")
    if not head.startswith("data:text/") or not head.endswith(";base64"):
        return ""
    try:
        body = b64decode(data).decode("utf-8", "replace")
    except Base64Error:
        return ""
    return _under_heading(part, ("title", "context"), body)


def with_summaries(messages: Any, vendors: tuple[str, ...]) -> Any:
    """Return the messages, with Anthropic's summaries of what came before (`compaction`) as text for all but `vendors`.
    https://platform.claude.com/docs/en/build-with-claude/compaction"""
    if not isinstance(messages, list):
        return messages
    return [_with_summary(message, vendors) for message in messages]


def _with_summary(message: Any, vendors: tuple[str, ...]) -> Any:
    entries = message.get("provider_tool_blocks") if isinstance(message, dict) else None
    if not isinstance(entries, list):
        return message
    kept: list[Any] = []
    texts: list[str] = []
    for entry in entries:
        text = _summary(entry, vendors) if isinstance(entry, dict) else ""
        if text:
            texts.append(text)
        else:
            kept.append(entry)
    if not texts:
        return message
    fields = {key: value for key, value in message.items() if key != "block_order"}
    return {**fields, "content": _with_texts(texts, message.get("content")), "provider_tool_blocks": kept}


def _with_texts(texts: list[str], content: Any) -> Any:
    if isinstance(content, list):
        return [*({"type": "text", "text": text} for text in texts), *content]
    return "\n\n".join([*texts, *([content] if content else [])])


def _summary(entry: dict[str, Any], vendors: tuple[str, ...]) -> str:
    block = entry.get("block")
    if entry.get("vendor") in vendors or not isinstance(block, dict) or block.get("type") != "compaction":
        return ""
    return block["content"] if isinstance(block.get("content"), str) else ""
