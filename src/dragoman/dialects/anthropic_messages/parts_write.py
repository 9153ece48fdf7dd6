"""The hub's content parts, as Anthropic's blocks: one function a kind of part."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from mimetypes import types_map
from urllib.parse import unquote_to_bytes

from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.media_types import media_type_of_data
from dragoman.dialects.validation import bad
from dragoman.dialects.write_context import WriteContext
from dragoman.types.json import JsonObject

__all__ = ["PartWriter"]

_DATA_URL = re.compile(r"data:([^,;]{0,255})((?:;[^,;]{0,255}){0,16}),(.*)\Z", re.DOTALL | re.IGNORECASE)
_WEB = ("http://", "https://")
_IMAGE_TYPES = {"image/jpg": "image/jpeg"}
"""Not a media type, but written a lot."""


class PartWriter:
    """Writes the parts of one request."""

    def __init__(self, context: WriteContext[None]) -> None:
        self._drops = context.drops
        self._verbatim = (VENDOR, context.target.vendor)
        """The vendors whose own parts stand as they are."""

    def content(self, content: object, path: str) -> list[JsonObject]:
        """The blocks of a message's content. Blank text is left out: Anthropic refuses it."""
        if isinstance(content, str):
            return [{"type": "text", "text": content}] if content.strip() else []
        if content is None:
            return []
        if not isinstance(content, list):
            raise bad(path, "expected a string or an array of parts")
        blocks = (self._part(part, f"{path}[{number}]") for number, part in enumerate(content))
        return [block for block in blocks if block is not None]

    def _part(self, part: object, path: str) -> JsonObject | None:
        if isinstance(part, str):
            return {"type": "text", "text": part} if part.strip() else None
        if not isinstance(part, dict):
            raise bad(path, "expected an object")
        if part.get("vendor") in self._verbatim:
            return {key: value for key, value in part.items() if key != "vendor"}
        kind = part.get("type")
        writer = _WRITERS.get(kind, PartWriter._foreign) if isinstance(kind, str) else PartWriter._foreign
        block = writer(self, part, path)
        if block is not None and isinstance(part.get("cache_control"), dict):
            block["cache_control"] = part["cache_control"]
        return block

    def _unsupported(self, path: str, why: str) -> JsonObject | None:
        """Refused, or left out: None."""
        self._drops.unsupported(path, why)
        return None

    def _text(self, part: JsonObject, path: str) -> JsonObject | None:
        text = part.get("text") if part["type"] == "text" else part.get("refusal")
        if not isinstance(text, str):
            raise bad(f"{path}.text", "expected a string")
        return {"type": "text", "text": text} if text.strip() else None

    def _image(self, part: JsonObject, path: str) -> JsonObject | None:
        image = part.get("image_url")
        image = {"url": image} if isinstance(image, str) else image
        url = image.get("url") if isinstance(image, dict) else None
        if not isinstance(image, dict) or not isinstance(url, str):
            raise bad(f"{path}.image_url.url", "expected a string")
        if url[:8].lower().startswith(_WEB):
            return {"type": "image", "source": {"type": "url", "url": url}}
        if url[:5].lower() == "data:":
            return self._data(url, str(image.get("format") or ""), part, f"{path}.image_url.url")
        return self._unsupported(f"{path}.image_url.url", "an image must be an http(s) address or a data: URL")

    def _data(self, url: str, file_format: str, part: JsonObject, path: str) -> JsonObject | None:
        """A data: URL by its media type: an image, a PDF, or text."""
        match = _DATA_URL.match(url)
        if match is None:
            raise bad(path, "not a data: URL")
        media_type, options, data = (
            match[1].strip().lower() or file_format.lower() or "text/plain",
            match[2].lower(),
            match[3],
        )
        if ";base64" not in options:
            data = b64encode(unquote_to_bytes(data)).decode()
        return self._base64(media_type, data, part, path)

    def _base64(self, media_type: str, data: str, part: JsonObject, path: str) -> JsonObject | None:
        if media_type.startswith("image/"):
            kind = _IMAGE_TYPES.get(media_type, media_type)
            return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}
        if media_type == "application/pdf":
            return _document({"type": "base64", "media_type": media_type, "data": data}, part)
        if media_type.startswith("text/") or media_type in ("application/json", "application/xml"):
            try:
                text = b64decode(data).decode("utf-8", "replace")
            except Base64Error:
                raise bad(path, "the base64 data is broken") from None
            return _document({"type": "text", "media_type": "text/plain", "data": text}, part)
        return self._unsupported(path, f"a file of type {media_type}")

    def _file(self, part: JsonObject, path: str) -> JsonObject | None:
        file = part.get("file")
        if not isinstance(file, dict):
            raise bad(f"{path}.file", "expected an object")
        media_type = _media_type(file)
        if isinstance(file.get("file_data"), str):
            data = file["file_data"]
            if data[:5].lower() == "data:":
                return self._data(data, media_type, part, f"{path}.file.file_data")
            return self._base64(media_type or media_type_of_data(data), data, part, f"{path}.file.file_data")
        if isinstance(file.get("file_id"), str):
            source: JsonObject = {"type": "file", "file_id": file["file_id"]}
        elif isinstance(file.get("file_url"), str) and file["file_url"][:8].lower().startswith(_WEB):
            source = {"type": "url", "url": file["file_url"]}
        else:
            return self._unsupported(f"{path}.file", "a file must have a file_id, file_data or an http(s) file_url")
        return {"type": "image", "source": source} if media_type.startswith("image/") else _document(source, part)

    def _foreign(self, part: JsonObject, path: str) -> JsonObject | None:
        return self._unsupported(path, f"a {part.get('type')!r} part")


def _media_type(file: JsonObject) -> str:
    named = file.get("format")
    if isinstance(named, str) and named:
        return named.lower() if "/" in named else types_map.get(f".{named.lower()}", "")
    filename = file.get("filename")
    dot = filename.rfind(".") if isinstance(filename, str) else -1
    return types_map.get(filename[dot:].lower(), "") if isinstance(filename, str) and dot >= 0 else ""


def _document(source: JsonObject, part: JsonObject) -> JsonObject:
    document: JsonObject = {"type": "document", "source": source}
    file = part.get("file")
    title = part.get("title") or (file.get("filename") if isinstance(file, dict) else None)
    if isinstance(title, str) and title:
        document["title"] = title
    for key, kind in (("context", str), ("citations", dict)):
        if isinstance(part.get(key), kind):
            document[key] = part[key]
    return document


_WRITERS: dict[str, Callable[[PartWriter, JsonObject, str], JsonObject | None]] = {
    "text": PartWriter._text,
    "refusal": PartWriter._text,
    "image_url": PartWriter._image,
    "file": PartWriter._file,
}
