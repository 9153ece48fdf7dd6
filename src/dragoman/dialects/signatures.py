"""Sealed signatures: how a signature travels through a dialect that has no field for the vendor that made it.

Anthropic's and Gemini's clients keep one opaque string (Gemini's: base64) with a block of reasoning, and send it back on the
next turn. When the block came from another vendor, that string must say so, or the wrong vendor would get it and refuse the
request. A sealed string is base64 of `dragoman:` + vendor + `:` + kind + `:` + the signature as it was.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import NamedTuple

__all__ = ["SEAL_MARK", "Sealed", "seal", "unseal"]

_MAGIC = b"dragoman:"
SEAL_MARK = b64encode(_MAGIC)
"""How every sealed string begins. 9 bytes are 12 characters of base64 exactly, so it does not depend on what follows."""


class Sealed(NamedTuple):
    vendor: str
    kind: str
    """The `type` of the hub's block: thinking, redacted_thinking, signature, encrypted."""
    signature: str


def seal(vendor: str, kind: str, signature: str) -> str:
    return b64encode(_MAGIC + f"{vendor}:{kind}:{signature}".encode()).decode()


def unseal(text: str) -> Sealed | None:
    """Return what was sealed, or None where `text` is a vendor's own signature."""
    if not text.startswith(SEAL_MARK.decode()):
        return None
    try:
        vendor, kind, signature = b64decode(text, validate=True)[len(_MAGIC) :].decode().split(":", 2)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return Sealed(vendor, kind, signature)
