"""Our errors show the caller's line, and not how we found out."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

import dragoman

CALLS: Any = dragoman
HELLO = [{"role": "user", "content": "Hello"}]
MOST = 3
"""The frames of the test, of the function, and of the router's method."""


def frames(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_a_missing_key_is_told_at_the_callers_line() -> None:
    calls: list[Any] = [lambda: CALLS.completion("openai/m", HELLO), lambda: CALLS.embedding("openai/m", "text")]
    for call in calls:
        with pytest.raises(dragoman.AuthenticationError, match="OPENAI_API_KEY") as caught:
            call()
        assert len(frames(caught.value)) <= MOST + 1
        assert caught.value.__cause__ is None


async def test_a_missing_key_with_an_event_loop() -> None:
    for call in (CALLS.acompletion("openai/m", HELLO, stream=True), CALLS.aembedding("openai/m", "text")):
        with pytest.raises(dragoman.AuthenticationError, match="OPENAI_API_KEY") as caught:
            await call
        assert len(frames(caught.value)) <= MOST


def test_a_wrong_parameter_and_a_stream_that_breaks() -> None:
    with pytest.raises(dragoman.BadRequestError) as wrong:
        CALLS.completion("openai/m", HELLO, temperature="warm")
    assert len(frames(wrong.value)) <= MOST

    def broken() -> Any:
        yield "text"
        raise dragoman.RateLimitError("no")

    stream = CALLS.completion("openai/m", HELLO, stream=True, mock_response=broken())
    with pytest.raises(dragoman.RateLimitError) as caught:
        list(stream)
    assert len(frames(caught.value)) <= MOST


def test_tracebacks_are_whole_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dragoman, "set_verbose", True)
    with pytest.raises(dragoman.AuthenticationError) as caught:
        CALLS.completion("openai/m", HELLO)
    assert len(frames(caught.value)) > MOST + 2
