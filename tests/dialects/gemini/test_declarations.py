"""What only Google knows about a function: sent to Google, and elsewhere left out and reported by its path."""

from __future__ import annotations

from typing import Any

import pytest
from google.genai import types as google

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import RequestHints, Target

SCHEMA = {"type": "object", "properties": {"degrees": {"type": "number"}}}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}


def request(*, snake_case: bool) -> Any:
    """As google-genai writes a Python function."""
    declared = google.FunctionDeclaration(
        name="weather", parameters_json_schema=PARAMETERS, response_json_schema=SCHEMA
    ).model_dump(exclude_none=True, by_alias=not snake_case)
    body = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "other"}, declared]}],
    }
    return gemini.CODEC.read_request(body, RequestHints(model="m"))


@pytest.mark.parametrize("snake_case", [False, True])
@pytest.mark.parametrize(("codec", "name"), [(openai_chat.CODEC, "openai"), (anthropic_messages.CODEC, "anthropic")])
def test_other_vendors_are_asked_without_and_it_is_reported(codec: Any, name: str, snake_case: bool) -> None:
    wire = codec.write_request(request(snake_case=snake_case), Target(name, "m", name))
    assert wire.dropped == ("tools[1].responseJsonSchema",)
    assert "degrees" not in str(wire.body)
    assert "city" in str(wire.body)


def test_google_gets_it_with_its_function() -> None:
    wire = gemini.CODEC.write_request(request(snake_case=True), Target("gemini", "m", "google"))
    other, weather = wire.body["tools"][0]["functionDeclarations"]
    assert (weather["responseJsonSchema"], weather["parametersJsonSchema"]) == (SCHEMA, PARAMETERS)
    assert "responseJsonSchema" not in other
    assert wire.dropped == ()
