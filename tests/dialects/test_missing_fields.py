"""A request without its messages is told that they are missing, in every dialect, and not that they are null."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import RequestHints
from dragoman.errors import BadRequestError


@pytest.mark.parametrize(
    ("codec", "body", "param"),
    [
        (openai_chat.CODEC, {"model": "m"}, "messages"),
        (anthropic_messages.CODEC, {"model": "m", "max_tokens": 5}, "messages"),
        (gemini.CODEC, {}, "contents"),
    ],
    ids=["openai", "anthropic", "gemini"],
)
def test_missing_messages_are_called_missing(codec: Any, body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        codec.read_request(body, RequestHints(model="m"))
    assert (caught.value.param, caught.value.code) == (param, "missing_required_parameter")
    assert "null" not in caught.value.message
