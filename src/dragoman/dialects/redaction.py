"""Take the keys out that a provider repeats in the text of an error.

A provider's text is hostile: each pattern here takes time in proportion to the text, whatever it holds.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["scrub", "scrub_json"]

_RUN = re.compile(r"[A-Za-z0-9_*.\-]{6,}")
"""The characters of keys, as many as stand together: each is looked at once."""
_PREFIX = re.compile(
    r"""
    \b(?: (?P<key>(?:sk|pk|rk|gsk|xai|pplx|csk|nvapi|r8|tgp|sess)[-_](?=[A-Za-z0-9]))   # prefixes of keys only
    | (?P<word>(?:hf|fw|key|ak|api|dd)[-_])      # of words too (`API_KEY_INVALID`): keys have digits
    | (?P<cloud>AIza|AKIA|ASIA)                  # Google, AWS
    | (?P<oauth>ya29\.)                          # Google OAuth
    | (?P<jwt>eyJ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LEAST = {"key": 7, "word": 7, "cloud": 8, "oauth": 1, "jwt": 10}
"""Kind of prefix -> characters that must follow it."""
_VALUE = re.compile(
    r"""\bBearer\s+[^\s"',;]+ | (?<=[?&]key=)(?!\[key\ removed\])[^\s&"']+""", re.VERBOSE | re.IGNORECASE
)
"""What is sent as a bearer token or a parameter, whatever it looks like."""
_NAMED = re.compile(
    r"(api[ _-]?key(?: provided)?['\"]?\s*[:=]\s*['\"]?)(?!\[key removed\])[^\s\"',;]{6,}", re.IGNORECASE
)
"""What stands behind "API key:", whatever it looks like."""
_REPLACEMENT = "[key removed]"
_MAX_DEPTH = 32


def scrub(text: str) -> str:
    """Return `text` without anything that looks like a credential."""
    text = _RUN.sub(_without_key, _VALUE.sub(_REPLACEMENT, text))
    return _NAMED.sub(rf"\1{_REPLACEMENT}", text)


def _without_key(match: re.Match[str]) -> str:
    """A run of characters up to where a key begins in it, which goes on to the end of the run."""
    run = match[0]
    last_digit = max(map(run.rfind, "0123456789*"))
    last_dot = run.rfind(".")
    for prefix in _PREFIX.finditer(run):
        kind, end = prefix.lastgroup or "", prefix.end()
        if len(run) - end < _LEAST[kind]:
            continue
        if (kind == "word" and last_digit < end) or (kind == "jwt" and last_dot < end + 8):
            continue
        return run[: prefix.start()] + _REPLACEMENT
    return run


def scrub_json(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with every string in it scrubbed; what is nested too deep is left out."""
    if isinstance(value, str):
        return scrub(value)
    if depth > _MAX_DEPTH and isinstance(value, (list, dict)):
        return None
    if isinstance(value, list):
        return [scrub_json(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {scrub(key): scrub_json(item, depth + 1) for key, item in value.items()}
    return value
