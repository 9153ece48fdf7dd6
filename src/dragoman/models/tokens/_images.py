"""How large an image is, and how many tokens that is by the rules of its model's family."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Mapping
from typing import Any

from dragoman.models.tokens._families import ImageRule

__all__ = ["image_size", "image_tokens", "image_upper_bound", "url_of"]

_HEAD = 65_536
"""Base64 signs that are looked at: a JPEG tells its size behind its colour profile and thumbnail."""
_USUAL = (1024, 1024)
"""Of an image whose size is unknown."""
_SQUARE, _SHORT, _TILE = 2048, 768, 512
_LEAST_BOUND = 6000
"""Of the smallest image too: some models make all images larger before they look."""


def url_of(part: Mapping[str, Any]) -> tuple[str, str]:
    """Address and detail of an image part."""
    image = part.get("image_url")
    if isinstance(image, Mapping):
        return str(image.get("url") or ""), str(image.get("detail") or "auto")
    return image if isinstance(image, str) else "", str(part.get("detail") or "auto")


def image_tokens(part: Mapping[str, Any], rule: ImageRule) -> tuple[int, bool]:
    """Tokens of an image, and whether its size was known."""
    url, detail = url_of(part)
    if detail == "low" and rule.tiles is not None:
        return math.ceil(rule.tiles[0]), True
    size = image_size(url)
    return math.ceil(_by_rule(size or _USUAL, rule)), size is not None


def image_upper_bound(part: Mapping[str, Any], rule: ImageRule) -> int | None:
    """Tokens that an image takes at most; None: no bound is known."""
    size = image_size(url_of(part)[0])
    if size is None:
        return rule.most
    # No known model sees finer than patches of 14 pixels, or counts more than two tokens for one.
    width, height = size
    finest = 2 * (math.ceil(width / 14) + 1) * (math.ceil(height / 14) + 1) + _LEAST_BOUND
    return max(finest, math.ceil(_by_rule(size, rule))) if rule.most is None else rule.most


def _by_rule(size: tuple[int, int], rule: ImageRule) -> float:
    width, height = size
    if rule.fixed is not None:
        return rule.fixed
    if rule.patches is not None:
        item, most, side = rule.patches
        return item * min(math.ceil(width / side) * math.ceil(height / side), most)
    base, tile = rule.tiles or (0, 0)
    return base + tile * _tiles(width, height)


def _tiles(width: float, height: float) -> int:
    """https://platform.openai.com/docs/guides/images-vision#calculating-costs"""
    scale = min(1.0, _SQUARE / max(width, height))
    width, height = width * scale, height * scale
    scale = min(1.0, _SHORT / min(width, height))
    return math.ceil(width * scale / _TILE) * math.ceil(height * scale / _TILE)


def image_size(url: str) -> tuple[int, int] | None:
    """Width and height of an image in a data URL; None where it lies elsewhere, or is of an unknown kind."""
    if not url.startswith("data:"):
        return None
    start = url.find(",", 0, 256) + 1
    try:
        head = base64.b64decode(url[start : start + _HEAD] + "==", validate=False) if start else b""
        size = _size(head)
    except (binascii.Error, struct.error, ValueError, IndexError):
        return None
    return size if size and size[0] > 0 and size[1] > 0 else None


def _size(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG"):
        return struct.unpack(">II", head[16:24])
    if head.startswith(b"GIF8"):
        return struct.unpack("<HH", head[6:10])
    if head.startswith(b"\xff\xd8"):
        return _jpeg_size(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp_size(head)
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        else:
            at += 2 + struct.unpack(">H", head[at + 2 : at + 4])[0]
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None
