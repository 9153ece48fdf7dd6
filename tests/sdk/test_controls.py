"""What a caller of the SDK writes for LiteLLM itself is named, and never sent."""

from __future__ import annotations

from typing import Any

import pytest

import dragoman
from dragoman.litellm.controls import CONTROL_NAMES
from tests.routing.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello"}]
SECRET = "canary-value-that-stays"
OWN = {name: SECRET for name in (*sorted(CONTROL_NAMES), "langfuse_secret_key", "s3_secret_access_key", "my_password")}
CALLS: Any = dragoman


@pytest.fixture(autouse=True)
def _environment(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("OPENAI", "GROQ", "ANTHROPIC", "GEMINI"):
        monkeypatch.setenv(f"{provider}_API_KEY", "sk-" + "secret" * 4)
        monkeypatch.setenv(f"{provider}_API_BASE", upstream.base(provider.lower() if provider != "GROQ" else "openai"))


@pytest.mark.parametrize("provider", ["openai", "groq", "anthropic", "gemini"])
def test_controls_of_a_call(upstream: Upstream, provider: str) -> None:
    response = CALLS.completion(f"{provider}/sim", HELLO, extra_body=dict(OWN), **OWN)
    assert {*OWN, *(f"extra_body.{name}" for name in OWN)} == {*response._hidden_params["ignored_params"]}
    assert SECRET not in str(upstream.last)


def test_controls_of_a_deployment(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    entry = {"model_name": "smart", "litellm_params": {"model": "openai/sim", "extra_body": dict(OWN), **OWN}}
    router = CALLS.Router([entry])
    router.completion("smart", HELLO)
    assert SECRET not in str(upstream.last)
    assert "langfuse_secret_key" in caplog.text
    assert SECRET not in caplog.text


def test_controls_of_a_fallback(upstream: Upstream) -> None:
    fallback = {"model": "openai/sim", **OWN}
    response = CALLS.completion("openai/other", HELLO, mock_testing_fallbacks=True, fallbacks=[fallback])
    assert SECRET not in str(upstream.last)
    assert "langfuse_secret_key" in response.dropped_params


@pytest.mark.parametrize("stream", [False, True])
def test_a_mocked_timeout_asks_nobody(upstream: Upstream, stream: bool) -> None:
    with pytest.raises(dragoman.Timeout):
        CALLS.completion("openai/sim", HELLO, mock_timeout=True, timeout=5, stream=stream)
    router = CALLS.Router(
        [{"model_name": "a", "litellm_params": {"model": "openai/sim", "mock_timeout": True}}], num_retries=0
    )
    with pytest.raises(dragoman.Timeout):
        router.completion("a", HELLO, stream=stream)
    assert upstream.calls == []


def test_a_mocked_timeout_falls_over(upstream: Upstream) -> None:
    CALLS.completion("openai/other", HELLO, mock_timeout=True, fallbacks=["openai/sim"])
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_mocked_tool_calls(upstream: Upstream, stream: bool) -> None:
    wanted = [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    answer = CALLS.completion("openai/sim", HELLO, mock_tool_calls=wanted, mock_response="text", stream=stream)
    whole = dragoman.stream_chunk_builder(list(answer)) if stream else answer
    assert whole is not None
    assert whole.choices[0].message.content == "text"
    calls = whole.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].function.name == "look"
    assert upstream.calls == []


def test_a_mock_that_takes_longer_than_the_call_may() -> None:
    with pytest.raises(dragoman.Timeout):
        CALLS.completion("openai/sim", HELLO, mock_response="text", mock_delay=0.1, timeout=0.01, num_retries=0)
