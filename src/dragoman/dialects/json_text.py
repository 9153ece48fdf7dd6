"""JSON text of values that came from a caller or a provider."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["dump_json", "dump_json_bytes"]


def dump_json(value: Any) -> str:
    """Return compact JSON text. See `dump_json_bytes`."""
    return dump_json_bytes(value).decode()


def dump_json_bytes(value: Any) -> bytes:
    """Return compact JSON. orjson refuses lone surrogates, very large integers and more than 254 levels, which a caller may well
    send."""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError, RecursionError):
        import json

        return json.dumps(value, separators=(",", ":"), default=str).encode()
