"""LiteLLM's spend logs (`/spend/logs`, or its table LiteLLM_SpendLogs), one JSON object a line, as lines of our own log.

What they do not say stays unknown: a spend of 0 may mean that LiteLLM knew no price, and of all attempts they tell the last."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

__all__ = ["is_spend_log", "row_of_spend_log"]

_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "completion": "chat",
        "acompletion": "chat",
        "anthropic_messages": "chat",
        "agenerate_content": "chat",
        "agenerate_content_stream": "chat",
        "embedding": "embedding",
        "aembedding": "embedding",
        "text_completion": "text_completion",
        "atext_completion": "text_completion",
    }
)
"""By `call_type`."""
_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")
CACHED = "AnsweredFromCache"
"""The error of a call that was never sent."""


def is_spend_log(row: Mapping[str, Any]) -> bool:
    return "call_type" in row and "startTime" in row


def row_of_spend_log(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as a line of our own log. What is wrong in it is found where that line is read."""
    metadata = _parsed(row.get("metadata"))
    metadata = metadata if isinstance(metadata, dict) else {}
    kind = row.get("call_type")
    started, ended = _moment(row.get("startTime")), _moment(row.get("endTime"))
    provider, model = row.get("custom_llm_provider") or None, row.get("model")
    if isinstance(provider, str) and isinstance(model, str):
        model = model.removeprefix(f"{provider}/")
    return {
        "time": ended if ended is not None else started,
        "milliseconds": _milliseconds(started, ended),
        "operation": _OPERATIONS.get(str(kind), kind),
        "model": row.get("model_group") or row.get("model"),
        "provider": provider,
        "answered_by": model,
        "deployment": row.get("model_id") or None,
        "usage": _usage(row, metadata),
        "cost": row.get("spend") or None,
        "metadata": {"tags": tags} if (tags := _parsed(row.get("request_tags"))) else None,
        "request": _request(row),
        **_failure(row, metadata),
        **_cached(row),
    }


def _milliseconds(started: float | None, ended: float | None) -> float | None:
    return None if started is None or ended is None or ended < started else (ended - started) * 1000


def _cached(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": CACHED, "attempts": 0} if str(row.get("cache_hit")).lower() == "true" else {}


def _failure(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    if (row.get("status") or metadata.get("status")) != "failure":
        return {}
    fields = metadata.get("error_information")
    fields = fields if isinstance(fields, dict) else {}
    code = str(fields.get("error_code") or "")
    return {
        "error": str(fields.get("error_class") or "Unknown"),
        "status": int(code) if code.isdecimal() else None,
        "cost": None,
        "usage": None,
    }


def _usage(row: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    whole = metadata.get("usage_object")
    if isinstance(whole, dict) and whole:
        return whole
    counts = {name: row[name] for name in _USAGE if row.get(name) is not None}
    return counts or None


def _request(row: Mapping[str, Any]) -> Any:
    """Only where LiteLLM was configured to keep it (`store_prompts_in_spend_logs`)."""
    request = _parsed(row.get("proxy_server_request"))
    body = request.get("body", request) if isinstance(request, dict) else None
    return body if isinstance(body, dict) and ("messages" in body or "input" in body or "prompt" in body) else None


def _parsed(value: Any) -> Any:
    """Columns of JSON come as texts, or as what they hold."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def _moment(value: Any) -> float | None:
    """Without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
