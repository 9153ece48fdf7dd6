"""What a target cannot be told is reported, also where the call goes on without it."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, RequestHints, Target

CODECS: dict[str, Codec[Any, Any, Any]] = {
    "openai": openai_chat.CODEC,
    "anthropic": anthropic_messages.CODEC,
    "google": gemini.CODEC,
}
BLOCKS = {"anthropic": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
          "google": {"executableCode": {"language": "PYTHON", "code": "1"}}}  # fmt: skip


@pytest.mark.parametrize("vendor", CODECS)
@pytest.mark.parametrize("whose", BLOCKS)
def test_what_another_vendors_tools_said_is_left_out_with_a_report(vendor: str, whose: str) -> None:
    turn = {"role": "assistant", "content": "x", "provider_tool_blocks": [{"vendor": whose, "block": BLOCKS[whose]}]}
    user = {"role": "user", "content": "hi"}
    request: Any = {"model": "m", "messages": [user, turn, user]}
    wire = CODECS[vendor].write_request(request, Target("somebody", "m", vendor))
    assert ("messages[1].provider_tool_blocks" in wire.dropped) == (vendor != whose)


@pytest.mark.parametrize(("schema", "dropped"), [
    ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}, ("response_format",)),
    ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}, ()),
])  # fmt: skip
def test_a_guarantee_that_openai_cannot_give_is_reported(schema: dict[str, Any], dropped: tuple[str, ...]) -> None:
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
    }
    request = anthropic_messages.CODEC.read_request(body, RequestHints())
    wire = openai_chat.CODEC.write_request(request, Target("openai", "m", "openai"))
    assert wire.dropped == dropped
    assert wire.body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": not dropped, "schema": schema},
    }
