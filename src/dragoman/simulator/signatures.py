"""Make and verify opaque signatures of reasoning: they hold what they sign, so that they can be verified when they come back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

__all__ = ["sign", "verify"]


def sign(vendor: str, content: str) -> str:
    """Return a signature of `vendor`'s over `content`: base64, with + and / as real ones have."""
    mac = hmac.new(f"simulated {vendor}".encode(), content.encode(), hashlib.sha256).digest()
    return base64.b64encode(b"\x12\xfb\xff" + mac + content.encode()).decode()


def verify(vendor: str, signature: str) -> str | None:
    """Return the content that `signature` signs; None where it is not `vendor`'s or not intact."""
    try:
        raw = base64.b64decode(signature, validate=True)
        content = raw[35:].decode()
    except (binascii.Error, ValueError):
        return None
    return content if raw and sign(vendor, content) == signature else None
