"""Read and write images, audio, video and documents: Gemini's `inlineData` and `fileData`."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from dragoman.dialects.drop_list import DropList
from dragoman.dialects.gemini.fields import fields
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.media_types import media_type_of_data, media_type_of_name
from dragoman.dialects.validation import bad, expect_object, expect_str
from dragoman.types.chat import ContentPart
from dragoman.types.json import JsonObject

__all__ = ["audio_type", "is_media", "join_base64", "read_media", "write_image", "write_media"]

_URL_SAFE = str.maketrans("-_", "+/")
_FILES = "https://generativelanguage.googleapis.com/v1beta/"
"""Where the ids of Google's Files API (`files/...`) live: https://ai.google.dev/api/files."""
_AUDIO_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
}
_AUDIO_TYPES = {"mp3": "audio/mpeg", "pcm16": "audio/L16;codec=pcm;rate=24000"}
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}
_DETAILS = {resolution: detail for detail, resolution in _RESOLUTIONS.items()}
_VIDEO_FIELDS = {"startOffset": "start_offset", "endOffset": "end_offset", "fps": "fps"}
_MEDIA = frozenset({"image_url", "input_audio", "file", "video_url"})


def is_media(part: ContentPart) -> bool:
    return part.get("type") in _MEDIA


def audio_type(audio_format: str) -> str:
    """Return the media type of OpenAI's audio format."""
    return _AUDIO_TYPES.get(audio_format, f"audio/{audio_format}")


def read_media(part: JsonObject, path: str) -> ContentPart:
    """Return the hub's part for a Gemini part (its fields) that holds `inlineData` or `fileData`."""
    rest = dict(part)
    if "inlineData" in rest:
        blob = fields(rest.pop("inlineData"), f"{path}.inlineData")
        data = expect_str(blob.get("data", ""), f"{path}.inlineData.data").translate(_URL_SAFE)
        media_type = expect_str(blob.get("mimeType", "application/octet-stream"), f"{path}.inlineData.mimeType")
        result = _inline(media_type, data, blob.get("displayName"))
    else:
        if rest.get("fileData") is None:
            raise bad(path, "expected inlineData or fileData")
        blob = fields(rest.pop("fileData"), f"{path}.fileData")
        uri = expect_str(blob.get("fileUri", ""), f"{path}.fileData.fileUri")
        media_type = expect_str(blob.get("mimeType", ""), f"{path}.fileData.mimeType")
        result = _linked(media_type, uri, blob.get("displayName"))
    _read_details(result, rest, path)
    if rest.get("thought") is False:
        del rest["thought"]
    if rest:
        result["extra_content"] = {VENDOR: rest}  # type: ignore[typeddict-unknown-key]
    return result


def _inline(media_type: str, data: str, name: object) -> ContentPart:
    url = f"data:{media_type};base64,{data}"
    if media_type.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if media_type.startswith("audio/"):
        return {
            "type": "input_audio",
            "input_audio": {"data": data, "format": _AUDIO_FORMATS.get(media_type, media_type[6:])},
        }
    if media_type.startswith("video/"):
        return {"type": "video_url", "video_url": {"url": url}}
    part: ContentPart = {"type": "file", "file": {"file_data": url}}
    if isinstance(name, str):
        part["file"]["filename"] = name
    return part


def _linked(media_type: str, uri: str, name: object) -> ContentPart:
    known_format = {"format": media_type} if media_type else {}
    guessed = media_type or media_type_of_name(uri)
    if guessed.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": uri, **known_format}}  # type: ignore[typeddict-item]
    if guessed.startswith("video/") or (not media_type and _is_youtube(uri)):
        return {"type": "video_url", "video_url": {"url": uri, **known_format}}  # type: ignore[typeddict-item]
    part: ContentPart = {"type": "file", "file": {"file_url": uri, **known_format}}  # type: ignore[typeddict-item]
    if isinstance(name, str):
        part["file"]["filename"] = name
    return part


def _read_details(result: ContentPart, rest: JsonObject, path: str) -> None:
    if "video_url" in result and "videoMetadata" in rest:
        metadata = fields(rest.pop("videoMetadata"), f"{path}.videoMetadata")
        for key, value in metadata.items():
            result["video_url"][_VIDEO_FIELDS.get(key, key)] = value  # type: ignore[literal-required]
    if "image_url" in result and isinstance(rest.get("mediaResolution"), dict):
        detail = _DETAILS.get(str(rest["mediaResolution"].get("level")))
        if detail is not None and len(rest["mediaResolution"]) == 1:
            result["image_url"]["detail"] = detail
            del rest["mediaResolution"]


def write_media(part: ContentPart, path: str, drops: DropList, *, resolutions: bool) -> JsonObject | None:
    """Return the Gemini part for a media part of the hub, or None where it is dropped.

    `resolutions` says whether the model takes a resolution for each part (Gemini 3 does)."""
    result = _WRITERS[part["type"]](part, f"{path}.{part['type']}", drops)
    if result is None:
        return None
    image = part.get("image_url")
    detail = image.get("detail") if isinstance(image, dict) else None
    if isinstance(detail, str) and detail in _RESOLUTIONS:
        if resolutions:
            result["mediaResolution"] = {"level": _RESOLUTIONS[detail]}
        else:
            drops.degraded("image_url.detail")
    extra = part.get("extra_content")
    if isinstance(extra, dict) and isinstance(extra.get(VENDOR), dict):
        result.update(extra[VENDOR])
    return result


def write_image(part: ContentPart, path: str) -> JsonObject:
    image: Any = part.get("image_url")
    if isinstance(image, str):  # as some callers write it
        image = {"url": image}
    image = expect_object(image, path)
    return _from_url(expect_str(image.get("url"), f"{path}.url"), image.get("format"), "image/jpeg", f"{path}.url")


def _write_audio(part: ContentPart, path: str, drops: DropList) -> JsonObject | None:
    audio = expect_object(part.get("input_audio"), path)
    media_type = audio_type(expect_str(audio.get("format", "wav"), f"{path}.format"))
    return _blob(media_type, expect_str(audio.get("data"), f"{path}.data"))


def _write_video(part: ContentPart, path: str, drops: DropList) -> JsonObject | None:
    video = expect_object(part.get("video_url"), path)
    url = expect_str(video.get("url"), f"{path}.url")
    result = _from_url(url, video.get("format"), "" if _is_youtube(url) else "video/mp4", f"{path}.url")
    metadata = {name: video[key] for name, key in _VIDEO_FIELDS.items() if video.get(key) is not None}
    return {**result, "videoMetadata": metadata} if metadata else result


def _write_file(part: ContentPart, path: str, drops: DropList) -> JsonObject | None:
    for key in ("context", "title", "citations"):
        if part.get(key):
            drops.degraded(f"{path.removesuffix('.file')}.{key}")
    file = expect_object(part.get("file"), path)
    media_type = file.get("format") or media_type_of_name(str(file.get("filename") or ""))
    if file.get("file_data"):
        data = expect_str(file["file_data"], f"{path}.file_data")
        if not data.startswith("data:"):
            return _blob(media_type or media_type_of_data(data), data)
        return _from_url(data, media_type, "application/pdf", f"{path}.file_data")
    if file.get("file_url"):
        url = expect_str(file["file_url"], f"{path}.file_url")
        return _from_url(url, media_type, "application/pdf" if not media_type_of_name(url) else "", f"{path}.file_url")
    return _write_file_id(expect_str(file.get("file_id"), f"{path}.file_id"), media_type, path, drops)


def _write_file_id(file_id: str, media_type: str, path: str, drops: DropList) -> JsonObject | None:
    if file_id.startswith("files/"):
        file_id = _FILES + file_id
    if not file_id.startswith(("https://", "http://", "gs://")):
        drops.unsupported(f"{path}.file_id", "it is not the id of a file at Google")
        return None
    return _from_url(file_id, media_type, "", f"{path}.file_id")


_WRITERS: dict[str, Callable[[ContentPart, str, DropList], JsonObject | None]] = {
    "image_url": lambda part, path, drops: write_image(part, path),
    "input_audio": _write_audio,
    "video_url": _write_video,
    "file": _write_file,
}


def _from_url(url: str, media_type: str | None, default: str, path: str) -> JsonObject:
    if not url.startswith("data:"):
        media_type = media_type or media_type_of_name(url) or default
        return {"fileData": {"mimeType": media_type, "fileUri": url} if media_type else {"fileUri": url}}
    header, comma, data = url[5:].partition(",")
    if not comma:
        raise bad(path, "a data: URL without data")
    media_type = media_type or header.partition(";")[0] or "text/plain"
    if not header.endswith(";base64"):
        data = b64encode(unquote_to_bytes(data)).decode()
    return _blob(media_type, data)


def _blob(media_type: str, data: str) -> JsonObject:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _is_youtube(url: str) -> bool:
    return any(host in url[:40] for host in ("youtube.com/", "youtu.be/"))


def join_base64(pieces: list[str]) -> str:
    """Return the pieces of one recording, each encoded by itself, as one."""
    try:
        return b64encode(b"".join(b64decode(piece.translate(_URL_SAFE)) for piece in pieces)).decode()
    except (binascii.Error, ValueError):
        return "".join(pieces)
