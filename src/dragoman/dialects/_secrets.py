"""Keys that a provider repeats in the text of an error are taken out before anybody sees them."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["scrub", "scrub_json"]

_KEYS = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|xai|pplx|csk|nvapi|r8|tgp|sess)[-_][A-Za-z0-9][A-Za-z0-9_*.\-]{6,}       # prefixes of keys only
    | \b(?:hf|fw|key|ak|api|dd)[-_](?=[A-Za-z_.\-]*[\d*])[A-Za-z0-9_*.\-]{7,}   # words too (`API_KEY_INVALID`): keys have digits
    | \bAIza[0-9A-Za-z_\-*]{8,}                                                 # Google
    | \bya29\.[0-9A-Za-z_\-.]+                                                  # Google OAuth
    | \b(?:AKIA|ASIA)[0-9A-Z*]{8,}                                              # AWS
    | \bBearer\s+[^\s"',;]+                                                     # anything sent as a bearer token
    | \beyJ[0-9A-Za-z_\-]{8,}\.[0-9A-Za-z_\-]+(?:\.[0-9A-Za-z_\-]+)?            # JWT
    | (?<=[?&]key=)(?!\[key\ removed\])[^\s&"']+
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMED = re.compile(
    r"(api[ _-]?key(?: provided)?['\"]?\s*[:=]\s*['\"]?)(?!\[key removed\])[^\s\"',;]{6,}", re.IGNORECASE
)
"""What stands behind "API key:", whatever it looks like."""
_REPLACEMENT = "[key removed]"


def scrub(text: str) -> str:
    """`text` without anything that looks like a credential."""
    return _NAMED.sub(rf"\1{_REPLACEMENT}", _KEYS.sub(_REPLACEMENT, text))


def scrub_json(value: Any) -> Any:
    """The same for every string inside a JSON value."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list):
        return [scrub_json(item) for item in value]
    if isinstance(value, dict):
        return {key: scrub_json(item) for key, item in value.items()}
    return value
