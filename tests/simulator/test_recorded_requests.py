"""What real servers took, the simulator takes; what they refused for its form, it refuses. Held against the recordings."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from tests.recordings import Recording, recordings
from tests.simulator.running import ask

# Signatures that a real provider made are foreign here, and are refused on purpose.
_SIGNED = re.compile(
    r'"(signature|redacted_thinking|thoughtSignature|thought_signature|encrypted_content|encrypted_stdout)"'
)
_PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "embeddings": "/v1/embeddings",
    "messages": "/v1/messages",
}


def _path(recording: Recording) -> str:
    return urlsplit(recording.url).path if recording.provider == "gemini" else _PATHS[recording.endpoint]


def _replayable(recording: Recording) -> bool:
    """Its request was kept, and holds no signatures, which only the real provider could verify."""
    body = recording.request_body
    return isinstance(body, dict) and "synthetic" not in recording.features and not _SIGNED.search(json.dumps(body))


@pytest.mark.parametrize(
    "recording",
    recordings(
        ("openai", "chat"),
        ("openai", "completions"),
        ("openai-embeddings", "embeddings"),
        ("anthropic", "messages"),
        ("gemini", "generateContent"),
        ("gemini", "embeddings"),
        where=_replayable,
    ),
)
def test_what_was_accepted_is_accepted(simulator: str, recording: Recording) -> None:
    reply = ask(simulator + _path(recording), recording.request_body)
    assert reply.status == 200, reply.raw.decode()


_OF_FORM = {  # all others were refused for their key, model or quota
    "ai-gateway--chat-no-messages-1-28013e78",
    "mirascope--handles-optional-properties-in-strict-mode-1-ff4e6a95",
    "req_llm--object-basic-1-1d03d670",
}


@pytest.mark.parametrize(
    "recording",
    recordings(
        ("openai", "chat"), ("anthropic", "messages"), ok=False, where=lambda recording: recording.id in _OF_FORM
    ),
)
def test_what_was_refused_for_its_form_is_refused(simulator: str, recording: Recording) -> None:
    reply = ask(simulator + _path(recording), recording.request_body)
    assert reply.status == recording.status
    error, recorded = reply.json["error"], recording.response_body["error"]
    assert set(error) == set(recorded)
    assert error["type"] == recorded["type"]
