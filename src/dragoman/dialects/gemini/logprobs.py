"""Read and write logprobs: https://ai.google.dev/api/generate-content#LogprobsResult"""

from __future__ import annotations

from typing import Any

from dragoman.types.json import JsonObject

__all__ = ["read_logprobs", "write_logprobs"]


def read_logprobs(result: Any) -> JsonObject | None:
    if not isinstance(result, dict) or not isinstance(result.get("chosenCandidates"), list):
        return None
    tops = result.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    content = []
    for index, entry in enumerate(result["chosenCandidates"]):
        top = tops[index] if index < len(tops) and isinstance(tops[index], dict) else {}
        likely = top.get("candidates")
        likely = likely if isinstance(likely, list) else []
        content.append({**_token(entry), "top_logprobs": [_token(candidate) for candidate in likely]})
    return {"content": content, "refusal": None}


def _token(entry: Any) -> JsonObject:
    entry = entry if isinstance(entry, dict) else {}
    token = str(entry.get("token") or "")
    return {
        "token": token,
        "logprob": _number(entry.get("logProbability")),
        "bytes": list(token.encode(errors="replace")),
    }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def write_logprobs(logprobs: JsonObject | None) -> JsonObject | None:
    content = (logprobs or {}).get("content")
    if not isinstance(content, list) or not content:
        return None
    result: JsonObject = {"chosenCandidates": [_entry(entry) for entry in content]}
    if any(entry.get("top_logprobs") for entry in content):
        result["topCandidates"] = [
            {"candidates": [_entry(top) for top in entry.get("top_logprobs") or ()]} for entry in content
        ]
    return result


def _entry(entry: JsonObject) -> JsonObject:
    return {"token": entry.get("token") or "", "logProbability": entry.get("logprob") or 0.0}
