"""Ids of tool calls as a caller of this dialect may have them: Anthropic takes `^[a-zA-Z0-9_-]+$`.

The caller's next turn may go to a real Claude, whose body passes through; or back to the provider that made the id, of which
some want their own again (Kimi: `functions.name:0`). So an id that Anthropic refuses is written reversibly.
"""

from __future__ import annotations

import re

__all__ = ["id_for_caller", "id_from_caller"]

_GOOD = re.compile(r"[a-zA-Z0-9_-]+")
_MARK = "toolu_x-"
_ESCAPED = re.compile(r"-([0-9a-f]{2})")


def id_for_caller(call_id: str) -> str:
    """Return `call_id`, or one that `id_from_caller` turns back into it where Anthropic refuses it."""
    if _GOOD.fullmatch(call_id):
        return call_id
    written = (chr(byte) if _is_plain(byte) else f"-{byte:02x}" for byte in call_id.encode("utf-8", "replace"))
    return _MARK + "".join(written)


def _is_plain(byte: int) -> bool:
    return chr(byte).isascii() and (chr(byte).isalnum() or byte == ord("_"))


def id_from_caller(call_id: str) -> str:
    """Return the id that `id_for_caller` was given."""
    if not call_id.startswith(_MARK) or not _GOOD.fullmatch(call_id):
        return call_id
    escaped = call_id[len(_MARK) :]
    raw = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), escaped).encode("latin-1")
    try:
        original = raw.decode()
    except UnicodeDecodeError:
        return call_id
    return original if id_for_caller(original) == call_id else call_id
