"""What a caller says beside his request that decides where it goes: sessions, tags, regions, in his metadata or in headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dragoman.routing import NO_OPTIONS, CallOptions

__all__ = ["with_caller_facts"]

_SESSION_HEADERS = ("x-dragoman-session-id", "x-litellm-session-id")
_TAG_HEADERS = ("x-dragoman-tags", "x-litellm-tags")
_OURS = "user_api_key"
"""How the names begin that only the gateway may say."""
_LONGEST = 1024


def with_caller_facts(
    options: CallOptions, said: Any, headers: Mapping[str, str], *, knows_clients: bool = False
) -> CallOptions:
    """The options with the caller's own `metadata` (`said`) and what the headers say; `knows_clients`: also by which program."""
    found: dict[str, Any] = {}
    if isinstance(said, dict):
        found = {name: value for name, value in said.items() if not name.startswith(_OURS)}
    session = _header(headers, _SESSION_HEADERS)
    if session:
        found["session_id"] = session
    tags = _header(headers, _TAG_HEADERS)
    if tags:
        found["tags"] = [tag.strip() for tag in tags.split(",") if tag.strip()]
    agent = headers.get("user-agent") if knows_clients else None
    if agent:
        found["user_agent"] = agent[:_LONGEST]
    if not found:
        return options
    metadata = {**found, **options.metadata}
    return CallOptions(metadata=metadata) if options is NO_OPTIONS else replace(options, metadata=metadata)


def _header(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name][:_LONGEST] for name in names if name in headers), None)
