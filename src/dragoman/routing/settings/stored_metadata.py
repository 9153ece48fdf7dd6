"""The part of a call's `metadata` that a provider is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.litellm.controls import is_control
from dragoman.types.json import JsonObject

__all__ = ["keep_labels", "keep_stored", "stored_metadata"]

_OURS_WORDS = """
    allowed_model_region data_policy data_residency priority region session_id spend_logs_metadata tags trace_id
    user_agent user_id user_api_key
"""
_OURS = frozenset(_OURS_WORDS.split())
"""What routing and its listeners read."""

_THEIRS = ("user_id",)


def stored_metadata(metadata: Mapping[str, Any]) -> JsonObject:
    """The caller's own labels, without what is meant for routing."""
    return {name: value for name, value in metadata.items() if name not in _OURS and not is_control(name)}


def keep_labels(body: JsonObject) -> None:
    """Leave in the `metadata` of another dialect what is not meant for routing: the user's id, in Anthropic's."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        labels = stored_metadata(metadata) | {name: metadata[name] for name in _THEIRS if name in metadata}
        if labels != metadata:
            body["metadata"] = labels


def keep_stored(body: JsonObject) -> bool:
    """Leave in `body` only the metadata that a provider stores, and say whether labels of the caller's own go nowhere.

    OpenAI refuses metadata without `store` (`The 'metadata' parameter is only allowed when 'store' is enabled.`, see
    https://platform.openai.com/docs/api-reference/chat/create), and a gateway's callers label every call with them."""
    metadata = body.pop("metadata", None)
    labels = stored_metadata(metadata) if isinstance(metadata, dict) else {}
    if labels and body.get("store") is True:
        body["metadata"] = labels
        return False
    return bool(labels)
