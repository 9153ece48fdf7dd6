"""Sizes of images, and their tokens by OpenAI's own examples."""

from __future__ import annotations

import base64
import struct

import pytest

from dragoman.models import count_tokens
from dragoman.models.tokens._families import image_rule_of
from dragoman.models.tokens._images import image_size, image_tokens


def url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def png(width: int, height: int) -> str:
    return url(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(5), "png")


def gif(width: int, height: int) -> str:
    return url(b"GIF89a" + struct.pack("<HH", width, height) + bytes(3), "gif")


def jpeg(width: int, height: int) -> str:
    """With a thumbnail's segment, fill bytes and Huffman tables before the frame."""
    exif = b"\xff\xe1" + struct.pack(">H", 2 + 3000) + b"\xff\xc0" * 1500
    tables = b"\xff\xff\xc4" + struct.pack(">H", 2 + 4) + bytes(4)
    return url(
        b"\xff\xd8" + exif + tables + b"\xff\xc2\0\x11\x08" + struct.pack(">HH", height, width) + bytes(9), "jpeg"
    )


def webp(kind: bytes, body: bytes) -> str:
    return url(b"RIFF\0\0\0\0WEBP" + kind + bytes(4) + body, "webp")


@pytest.mark.parametrize(
    "data",
    [
        png(640, 480),
        gif(640, 480),
        jpeg(640, 480),
        webp(b"VP8X", bytes(4) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
        webp(b"VP8L", b"\x2f" + (639 | 479 << 14).to_bytes(4, "little")),
        webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640, 480)),
    ],
    ids=["png", "gif", "jpeg", "webp-extended", "webp-lossless", "webp-lossy"],
)
def test_the_size_of_an_image_is_read_from_its_head(data: str) -> None:
    assert image_size(data) == (640, 480)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://example.com/a.png",
        "data:image/png",
        "data:image/png;base64,",
        "data:image/png;base64,%%%",
        url(b"\x89PNG", "png"),
        url(b"\xff\xd8\xff", "jpeg"),
        url(b"\xff\xd8" + bytes(30), "jpeg"),
        url(b"\xff\xd8\xff\xe1\0\0" * 9, "jpeg"),
        url(b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        url(b"BM" + bytes(60), "bmp"),
        png(0, 10),
    ],
)
def test_an_image_without_a_readable_size_has_none(address: str) -> None:
    assert image_size(address) is None


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "tokens"),
    [
        # https://platform.openai.com/docs/guides/images-vision#calculating-costs
        ("gpt-4o", 1024, 1024, "high", 765),
        ("gpt-4o", 2048, 4096, "high", 1105),
        ("gpt-4o", 4096, 8192, "low", 85),
        ("gpt-4o", 512, 512, "auto", 255),
        ("gpt-4o-mini", 512, 512, "auto", 2833 + 5667),
        ("gpt-5", 1024, 1024, "auto", 70 + 4 * 140),
        ("o3", 1024, 1024, "auto", 75 + 4 * 150),
        ("gpt-4.1-mini", 1024, 1024, "auto", 1659),
        # measured: https://huggingface.co/datasets/JOHNISKING/image-token-cost
        ("gpt-5.5", 1024, 1024, "auto", 1229),
        ("gpt-5.5", 3840, 2160, "auto", 9792),
    ],
)
def test_images_count_as_documented(model: str, width: int, height: int, detail: str, tokens: int) -> None:
    part = {"type": "image_url", "image_url": {"url": png(width, height), "detail": detail}}
    assert image_tokens(part, image_rule_of(model)) == (tokens, True)


def test_a_recorded_image_counts_as_azure_counted_it() -> None:
    """795 tokens for 30 of text and an image of four tiles, whose size the address does not tell."""
    part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    assert image_tokens(part, image_rule_of("gpt-4o")) == (765, False)


def test_every_image_may_be_given_the_same_count() -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": png(9, 9)}}] * 2}
    fixed = count_tokens([message], model="gpt-4o", image_tokens=250)
    assert fixed == count_tokens([{"role": "user", "content": ""}], model="gpt-4o") + 500
