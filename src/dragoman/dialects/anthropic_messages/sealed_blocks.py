"""Sealed blocks: opaque things of other vendors, which Anthropic's own clients keep for us in the strings that they send back
untouched: the `signature` of a thinking block and the `data` of a redacted one (see `dialects/signatures.py`).

Kinds: the `type` of the hub's block of reasoning; `reasoning_content` (reasoning without blocks), `tool_call` (the
`extra_content` of a tool call, e.g. Gemini's thought signature), `provider_tool` (another vendor's provider-run tool) and
`citation` (a citation that no document of Anthropic's stands behind).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.json_text import dump_json
from dragoman.dialects.signatures import Sealed, seal, unseal
from dragoman.types.json import JsonObject

__all__ = [
    "is_sealed",
    "read_reasoning",
    "seal_citation",
    "seal_extra_content",
    "seal_provider_tool",
    "seal_reasoning_text",
    "write_reasoning",
]

_UNKNOWN = "unknown"
_PLAIN = ("thinking", "redacted_thinking")
_OF_THE_HUB = ("index", "vendor")


def _redacted(vendor: str, kind: str, payload: str) -> JsonObject:
    return {"type": "redacted_thinking", "data": seal(_label(vendor), kind, payload)}


def _label(vendor: object) -> str:
    """A vendor's name as it may stand inside a seal, whose fields are cut at colons."""
    return vendor.replace(":", "_") if isinstance(vendor, str) and vendor else _UNKNOWN


def write_reasoning(block: JsonObject, own: str = VENDOR) -> JsonObject | None:
    """Return a block of the hub as an Anthropic client keeps it, sealed where the signature is not of the vendor `own`.
    None for a block that no client can keep."""
    kind = block.get("type")
    writer = _WRITERS.get(kind) if isinstance(kind, str) else None
    return writer(block, own) if writer is not None else None


def _write_thinking(block: JsonObject, own: str) -> JsonObject:
    vendor, text, signature = block.get("vendor"), block.get("thinking"), block.get("signature")
    signature = signature if isinstance(signature, str) else ""
    if not signature or vendor not in (None, own):
        signature = seal(_label(vendor), "thinking", signature)
    return {"type": "thinking", "thinking": text if isinstance(text, str) else "", "signature": signature}


def _write_redacted(block: JsonObject, own: str) -> JsonObject | None:
    kind, vendor, data = block["type"], block.get("vendor"), block.get("data")
    if not isinstance(data, str):
        return None
    return {"type": kind, "data": data} if vendor in (None, own) else _redacted(_label(vendor), kind, data)


def _write_opaque(block: JsonObject, own: str) -> JsonObject:
    content = {key: value for key, value in block.items() if key not in _OF_THE_HUB}
    return _redacted(_label(block.get("vendor")), block["type"], dump_json(content))


_WRITERS: dict[str, Callable[[JsonObject, str], JsonObject | None]] = {
    "thinking": _write_thinking,
    "redacted_thinking": _write_redacted,
    "signature": _write_opaque,
    "encrypted": _write_opaque,
}


def seal_reasoning_text(text: str) -> JsonObject:
    """Seal reasoning that has no blocks, only text."""
    return {"type": "thinking", "thinking": text, "signature": seal(_UNKNOWN, "reasoning_content", "")}


def seal_extra_content(call_id: str, extra: JsonObject) -> JsonObject:
    """Seal what must come back with a tool call, of which Anthropic's clients keep only id, name and input."""
    vendor = next(iter(extra), _UNKNOWN)
    return _redacted(vendor, "tool_call", dump_json({"id": call_id, "extra_content": extra}))


def seal_provider_tool(entry: JsonObject) -> JsonObject:
    return _redacted(_label(entry.get("vendor")), "provider_tool", dump_json(entry.get("block")))


def seal_citation() -> str:
    """Return what stands for the `encrypted_index` of a citation that is not Anthropic's."""
    return seal(_UNKNOWN, "citation", "")


def is_sealed(text: object) -> bool:
    return isinstance(text, str) and unseal(text) is not None


def read_reasoning(block: JsonObject) -> tuple[str, Any]:
    """Return what a thinking or redacted block of a caller's history stands for: its kind, and

    `thinking`: a block of the hub; `reasoning_content`: text; `tool_call`: {"id", "extra_content"}; `provider_tool`: an entry
    of the hub's `provider_tool_blocks`; `nothing`: a seal that does not hold.
    """
    plain = block.get("type") == "thinking"
    opaque = block.get("signature" if plain else "data")
    sealed = unseal(opaque) if isinstance(opaque, str) else None
    if sealed is None:
        return "thinking", {key: value for key, value in block.items() if key != "cache_control"} | {"vendor": VENDOR}
    if plain:
        return _read_thinking(block, sealed)
    if sealed.kind in _PLAIN:
        return "thinking", {"type": sealed.kind, "data": sealed.signature, "vendor": sealed.vendor}
    return _read_payload(sealed.vendor, sealed.kind, sealed.signature)


def _read_thinking(block: JsonObject, sealed: Sealed) -> tuple[str, Any]:
    if sealed.kind == "reasoning_content":
        return "reasoning_content", block.get("thinking")
    read = {"type": "thinking", "thinking": block.get("thinking"), "vendor": sealed.vendor}
    return "thinking", read | ({"signature": sealed.signature} if sealed.signature else {})


def _read_payload(vendor: str, kind: str, payload: str) -> tuple[str, Any]:
    """The kinds whose payload is JSON. It came through a client's hands: whatever does not fit is left out."""
    try:
        content = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return "nothing", None
    if not isinstance(content, dict):
        return "nothing", None
    if kind in ("signature", "encrypted"):
        return "thinking", content | {"type": kind, "vendor": vendor}
    if kind == "tool_call" and isinstance(content.get("extra_content"), dict):
        return "tool_call", content
    if kind == "provider_tool":
        return "provider_tool", {"vendor": vendor, "block": content}
    return "nothing", None
