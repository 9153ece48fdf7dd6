"""What a caller says beside its request that decides where it goes: sessions, tags, regions, in its metadata or in headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dragoman.routing import NO_OPTIONS, CallOptions

__all__ = ["with_caller_facts"]

_SESSION, _LITELLM_SESSION = "x-dragoman-session-id", "x-litellm-session-id"
_TAGS, _LITELLM_TAGS = "x-dragoman-tags", "x-litellm-tags"
_GATEWAY_PREFIX = "user_api_key"
"""How the names begin that only the gateway may set."""
_LONGEST = 1024


def with_caller_facts(
    options: CallOptions, metadata: Any, headers: Mapping[str, str], with_user_agent: bool = False
) -> CallOptions:
    """Return the options with the caller's own `metadata` and what the headers say; `with_user_agent`: also its program."""
    facts: dict[str, Any] = _own(metadata) if isinstance(metadata, dict) else {}
    session = headers.get(_SESSION) or headers.get(_LITELLM_SESSION)
    if session:
        facts["session_id"] = session[:_LONGEST]
    tags = headers.get(_TAGS) or headers.get(_LITELLM_TAGS)
    if tags:
        facts["tags"] = _split(tags[:_LONGEST])
    agent = headers.get("user-agent") if with_user_agent else None
    if agent:
        facts["user_agent"] = agent[:_LONGEST]
    if not facts:
        return options
    facts |= options.metadata
    return CallOptions(metadata=facts) if options is NO_OPTIONS else replace(options, metadata=facts)


def _own(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if not name.startswith(_GATEWAY_PREFIX)}


def _split(tags: str) -> list[str]:
    return [tag.strip() for tag in tags.split(",") if tag.strip()]
