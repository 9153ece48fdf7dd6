"""The media type of a file, by its name or its first bytes, and the name that goes with a media type."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["media_type_of", "media_type_of_data", "media_type_of_name", "named_for"]

_BY_ENDING: Mapping[str, str] = MappingProxyType(
    {
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "webp": "image/webp",
        "gif": "image/gif",
        "heic": "image/heic",
        "heif": "image/heif",
        "pdf": "application/pdf",
        "txt": "text/plain",
        "log": "text/plain",
        "md": "text/markdown",
        "csv": "text/csv",
        "html": "text/html",
        "xml": "text/xml",
        "json": "application/json",
        "yaml": "application/yaml",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "webm": "video/webm",
        "mpeg": "video/mpeg",
        "mpg": "video/mpeg",
        "mp3": "audio/mpeg",
        "wav": "audio/wav",
        "flac": "audio/flac",
        "ogg": "audio/ogg",
        "m4a": "audio/mp4",
    }
)
_BY_FIRST_BYTES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "application/pdf"),
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_ENDINGS = {kind: ending for ending, kind in reversed(list(_BY_ENDING.items()))}
_LOOKED_AT = 512
"""Characters of base64, a multiple of four."""
_UNKNOWN = "application/octet-stream"


def media_type_of(name: str, data: str) -> str:
    """The media type of base64 `data`, by the ending of its file name, or else by its first bytes."""
    return media_type_of_name(name) or media_type_of_data(data)


def media_type_of_name(name: str) -> str:
    """The media type that the end of a file name or an address tells; empty where it tells none."""
    last = name.partition("?")[0].partition("#")[0].rpartition("/")[2]
    _, dot, ending = last.rpartition(".")
    return _BY_ENDING.get(ending.lower(), "") if dot else ""


def media_type_of_data(data: str) -> str:
    """The media type that the first bytes of base64 `data` tell: text is plain text, anything unknown a stream of bytes."""
    begin = data[:_LOOKED_AT]
    try:
        first = b64decode(begin + "=" * (-len(begin) % 4))
    except (binascii.Error, ValueError):
        return _UNKNOWN
    for mark, kind in _BY_FIRST_BYTES:
        if first.startswith(mark):
            return kind
    return "text/plain" if _is_text(first) else _UNKNOWN


def _is_text(first: bytes) -> bool:
    """Whether the bytes are UTF-8, perhaps cut within a character, without control characters."""
    text = first.decode("utf-8", "ignore")
    return len(text.encode()) > len(first) - 4 and not any(ord(sign) < 32 and sign not in "\t\n\r\f" for sign in text)


def named_for(media_type: str) -> str:
    """A file name for a document without one."""
    ending = _ENDINGS.get(media_type.lower())
    return f"document.{ending}" if ending else "document"
