"""Paths that clients of other gateways call and this one does not serve yet, with what to use instead.

A clear refusal beats "not found": the caller learns that nothing is wrong with its address or its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.errors import CallerError

__all__ = ["NOT_SERVED", "NotServed", "UpgradeRefused", "asks_for_upgrade", "not_served"]

NOT_SERVED: Mapping[str, str] = MappingProxyType(
    {
        "/responses": "the Responses API",
        "/images": "images",
        "/audio": "audio (speech and transcription)",
        "/rerank": "reranking",
        "/moderations": "moderations",
        "/batches": "batches",
        "/files": "files",
        "/realtime": "realtime sessions",
        "/videos": "videos",
        "/vector_stores": "vector stores",
        "/assistants": "assistants",
        "/threads": "assistants",
        "/fine_tuning": "fine-tuning",
        "/key": "keys of callers",
        "/user": "users",
        "/team": "teams",
        "/budget": "budgets",
        "/spend": "spend reports",
        "/guardrails": "guardrails",
        "/mcp": "MCP",
        "/ui": "the dashboard",
    }
)
"""The beginning of a path, behind `/v1` or without it, and what it stands for."""
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {"/responses": "; use POST /v1/chat/completions (or /v1/messages) instead"}
)


class NotServed(CallerError):
    """A path that belongs to a feature which is not built yet. 400: Codex tries a 404 again five times, a 400 never."""

    status = 400
    default_code = "not_supported_yet"


class UpgradeRefused(CallerError):
    """The caller wants to leave HTTP/1.1. 426 makes clients go on over HTTP at once (Codex, since 0.118)."""

    status = 426
    default_code = "upgrade_not_supported"

    def __init__(self) -> None:
        super().__init__(
            "only HTTP/1.1 is served here, no WebSocket or h2c; send the request without an Upgrade header"
        )


def not_served(method: str, path: str) -> NotServed | None:
    """Return the refusal of a path that is known and not served, or None."""
    bare = path.removeprefix("/v1")
    start = "/" + bare.strip("/").partition("/")[0]
    feature = NOT_SERVED.get(start)
    if feature is None:
        return None
    return NotServed(f"{method} {path[:200]}: Dragoman does not serve {feature} yet{_INSTEAD.get(start, '')}")


def asks_for_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a request asks to leave HTTP/1.1: for WebSocket, or for `h2c` as Java's client does by default.

    The HTTP parser stops at such a request and never sees its body, so it cannot be answered as an ordinary one."""
    options = {option.strip().lower() for option in headers.get("connection", "").split(",")}
    return "upgrade" in headers and "upgrade" in options
