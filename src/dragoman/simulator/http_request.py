"""A request as it came, and the provider and the operation that its path means."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["HttpRequest", "last_text", "route"]

_FIXED_PATHS = {
    ("POST", "/chat/completions"): ("openai", "chat"),
    ("POST", "/completions"): ("openai", "completions"),
    ("POST", "/embeddings"): ("openai", "embeddings"),
    ("POST", "/messages"): ("anthropic", "messages"),
    ("POST", "/messages/count_tokens"): ("anthropic", "count"),
}
_GEMINI_CALL = re.compile(r"/(?:v1beta|v1)/models/(.+):(\w+)")
_GEMINI_MODEL = re.compile(r"/(?:v1beta|v1)/models/(.+)")


def route(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Return (dialect, operation, model in the path), or None where no provider has this path."""
    fixed = _FIXED_PATHS.get((method, path.removeprefix("/v1")))
    if fixed:
        return (*fixed, "")
    if method == "POST" and (call := _GEMINI_CALL.fullmatch(path)):
        return "gemini", call[2], call[1]
    if method == "GET" and path in ("/v1/models", "/models", "/v1beta/models"):
        return _models_of(path, headers, query), "models", ""
    if method == "GET" and (model := _GEMINI_MODEL.fullmatch(path)) and "authorization" not in headers:
        return "gemini", "model", model[1]
    return None


def _models_of(path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    if "anthropic-version" in headers:
        return "anthropic"
    return "gemini" if "beta" in path or "x-goog-api-key" in headers or "key" in query else "openai"


@dataclass(frozen=True)
class HttpRequest:
    dialect: str
    operation: str
    model_in_path: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def parse(self) -> tuple[Any, bool]:
        """Return the body, and whether it is JSON at all."""
        if self.method == "GET":
            return {}, True
        try:
            return json.loads(self.body), True
        except (ValueError, RecursionError):
            return {}, False

    def model_name(self, body: Any) -> str:
        """Return the model of the path, or else that of the body; empty where there is none."""
        model = body.get("model") if isinstance(body, dict) else None
        return self.model_in_path or str(model or "")

    def api_key(self) -> str:
        """Return the API key, from whichever place it came in."""
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        key = self.headers.get("x-api-key") or self.headers.get("x-goog-api-key")
        return key or bearer or self.query.get("key", "")

    def as_json(self) -> dict[str, Any]:
        """Return the request as it was received, for `GET /_simulator/last` and for the echo."""
        body, is_json = self.parse()
        return {
            "dialect": self.dialect,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": dict(self.headers),
            "body": body if is_json else None,
            "raw": self.body.decode("utf-8", "replace"),
        }


def last_text(body: Any) -> str:
    """Return the text of the last message that has any, in whatever dialect: only its directives matter."""
    turns = (body.get("messages") or body.get("contents")) if isinstance(body, dict) else None
    for turn in reversed(turns if isinstance(turns, list) else []):
        text = _turn_text(turn) if isinstance(turn, dict) else ""
        if text:
            return text
    return ""


def _turn_text(turn: dict[str, Any]) -> str:
    content = turn.get("content") or turn.get("parts")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))
