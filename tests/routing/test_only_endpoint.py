"""Models that live at one endpoint only are refused elsewhere, before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

import dragoman
from dragoman.models import only_endpoint
from tests.recordings import all_recordings
from tests.routing.upstream import running_upstream

CALLS: Any = dragoman
HELLO = [{"role": "user", "content": "Hello"}]
RESPONSES = [
    "o1-pro",
    "o3-pro-2025-06-10",
    "gpt-5-pro",
    "gpt-5.2-pro-2025-12-11",
    "gpt-5-codex",
    "gpt-5.1-codex-max",
    "codex-mini-latest",
    "o4-mini-deep-research",
    "computer-use-preview",
]
COMPLETIONS = ["gpt-3.5-turbo-instruct", "davinci-002"]
CHAT = ["gpt-5", "gpt-4o", "o3", "gpt-5-mini", "o1", "gpt-3.5-turbo", "gpt-5.1-chat-latest", "ft:gpt-4o:me"]


@pytest.mark.parametrize("model", RESPONSES + COMPLETIONS)
def test_a_chat_is_refused_and_the_endpoint_named(model: str) -> None:
    with running_upstream() as upstream:
        at = {"api_key": "k", "api_base": upstream.base("openai"), "num_retries": 0}
        for stream in (False, True):
            with pytest.raises(dragoman.NotFoundError) as caught:
                CALLS.completion(f"openai/{model}", HELLO, stream=stream, **at)
            assert ("/v1/responses" if model in RESPONSES else "/v1/completions") in caught.value.message
            assert caught.value.param == "model"
        assert upstream.calls == []


def test_models_of_completions_are_asked_there_and_others_may_stand_in() -> None:
    with running_upstream() as upstream:
        at = {"api_key": "k", "api_base": upstream.base("openai")}
        assert CALLS.text_completion("openai/gpt-3.5-turbo-instruct", "Hello", **at).choices[0].text
        assert [call.path for call in upstream.calls] == ["/v1/completions"]
        answer = CALLS.completion("openai/gpt-5-pro", HELLO, fallbacks=["openai/sim"], **at)
        assert answer._hidden_params["fallback"] == "openai/sim"
        entry = {
            "model_name": "a",
            "litellm_params": {"model": "openai/gpt-5-pro", **at},
            "model_info": {"mode": "chat"},
        }
        assert CALLS.Router([entry]).completion("a", HELLO).choices[0].message.content


@pytest.mark.parametrize("model", CHAT)
def test_nothing_is_said_of_other_models(model: str) -> None:
    assert only_endpoint("openai", model) is None


def test_no_recorded_answer_disagrees() -> None:
    paths = {"chat": "/v1/chat/completions", "completions": "/v1/completions", "responses": "/v1/responses"}
    for recording in all_recordings():
        if recording.status == 200 and recording.endpoint in paths:
            only = only_endpoint(recording.provider, recording.model or "")
            assert only in (None, paths[recording.endpoint]), recording.id
