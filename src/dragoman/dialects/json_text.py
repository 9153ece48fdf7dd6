"""JSON text of values that came from a caller or a provider."""

from __future__ import annotations

from typing import Any

import orjson

__all__ = ["dump_json"]


def dump_json(value: Any) -> str:
    """Return compact JSON text. orjson refuses lone surrogates and very large integers, which a caller may well send."""
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, TypeError, RecursionError):
        import json

        return json.dumps(value, separators=(",", ":"), default=str)
