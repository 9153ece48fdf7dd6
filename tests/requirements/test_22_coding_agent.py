"""Requirements 20 to 22: a coding agent's session by the official anthropic SDK, 20 turns, on each provider."""

from __future__ import annotations

import itertools
import json
from typing import Any

import anthropic
import pytest

from tests.matrix.conftest import MASTER_KEY, MODELS, Bench

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
MARK: Any = {"cache_control": {"type": "ephemeral"}}
SYSTEM = [{"type": "text", "text": "You are a coding agent."}, {"type": "text", "text": "The project: ...", **MARK}]
PATH = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
TOOLS = [
    {"name": "Read", "description": "reads", "input_schema": PATH},
    {"name": f"mcp__{'long_server_name_' * 4}__edit", "description": "edits", "input_schema": PATH, **MARK},
]
TURNS = 20


class Events:
    """What Anthropic promises of a stream, checked event by event; puts the message together by itself."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.partial: list[str] = []
        self.open: int | None = None
        self.state = "new"
        self.stop_reason: str | None = None

    def take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind != "ping":
            getattr(self, kind)(event)

    def message_start(self, event: dict[str, Any]) -> None:
        assert self.state == "new"
        message = event["message"]
        assert (message["role"], message["content"], message["stop_reason"]) == ("assistant", [], None)
        assert message["id"]
        assert message["usage"]["input_tokens"] >= 0
        self.state = "blocks"

    def content_block_start(self, event: dict[str, Any]) -> None:
        assert (self.state, self.open) == ("blocks", None)
        assert event["index"] == len(self.blocks)
        self.open = event["index"]
        block = dict(event["content_block"])
        if block["type"] == "tool_use":
            assert block["input"] == {}
            assert block["id"]
            assert block["name"]
        self.blocks.append(block)
        self.partial.append("")

    def content_block_delta(self, event: dict[str, Any]) -> None:
        assert event["index"] == self.open
        block, delta = self.blocks[event["index"]], event["delta"]
        fitting = {
            "text": ("text_delta", "citations_delta"),
            "tool_use": ("input_json_delta",),
            "thinking": ("thinking_delta", "signature_delta"),
        }
        assert delta["type"] in fitting[block["type"]]
        if delta["type"] == "input_json_delta":
            self.partial[event["index"]] += delta["partial_json"]
        elif delta["type"] in ("text_delta", "thinking_delta"):
            block[block["type"]] += delta[block["type"]]
        elif delta["type"] == "signature_delta":
            block["signature"] = block.get("signature", "") + delta["signature"]

    def content_block_stop(self, event: dict[str, Any]) -> None:
        assert event["index"] == self.open
        block = self.blocks[event["index"]]
        if block["type"] == "tool_use":
            block["input"] = json.loads(self.partial[event["index"]] or "{}")
        self.open = None

    def message_delta(self, event: dict[str, Any]) -> None:
        assert (self.state, self.open) == ("blocks", None)
        self.stop_reason = event["delta"]["stop_reason"]
        assert event["usage"]["output_tokens"] > 0
        assert (self.stop_reason == "tool_use") == any(block["type"] == "tool_use" for block in self.blocks)
        self.state = "delta"

    def message_stop(self, event: dict[str, Any]) -> None:
        assert self.state == "delta"
        self.state = "over"


def result(call: Any, number: int) -> dict[str, Any]:
    """Text, an image, an error, nothing: all that a tool gives back to an agent."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    kinds: list[dict[str, Any]] = [
        {"content": f"line {number}"},
        {"content": [{"type": "text", "text": "a picture"}, image]},
        {"content": "no such file", "is_error": True},
        {"content": []},
        {"content": [{"type": "text", "text": "marked", **(MARK if number == 4 else {})}]},
    ]
    return {"type": "tool_result", "tool_use_id": call["id"], **kinds[number % len(kinds)]}


@pytest.mark.parametrize("provider", MODELS)
def test_a_session(bench: Bench, provider: str) -> None:
    """The simulator verifies each signature that comes back, and refuses a broken history."""
    prompt = f"Refactor. [[think: Hm — let me see.]] [[turns: {TURNS}x2]]"
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": prompt, **MARK}]}]
    request: dict[str, Any] = {
        "model": provider,
        "max_tokens": 4000,
        "system": SYSTEM,
        "tools": TOOLS,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    numbers = itertools.count()
    identities: set[str] = set()
    with anthropic.Anthropic(base_url=bench.gateway, api_key=MASTER_KEY, max_retries=0) as sdk:
        for turn in range(TURNS + 1):
            events = Events()
            with sdk.messages.stream(**request, messages=messages) as stream:
                for event in stream._raw_stream:
                    events.take(event.model_dump())
            assert events.state == "over"
            calls = [block for block in events.blocks if block["type"] == "tool_use"]
            if turn == TURNS:
                assert not calls
                assert events.stop_reason == "end_turn"
                break
            assert len(calls) == 2
            assert {call["name"] for call in calls} <= {tool["name"] for tool in TOOLS}
            identities |= {call["id"] for call in calls}
            messages.append({"role": "assistant", "content": [_sent_back(block) for block in events.blocks]})
            messages.append({"role": "user", "content": [result(call, next(numbers)) for call in calls]})
        assert len(identities) == 2 * TURNS
        counted = sdk.messages.count_tokens(
            **{k: v for k, v in request.items() if k != "max_tokens"}, messages=messages
        )
        assert counted.input_tokens > 100
        # compaction: the history becomes a summary, old results are cleared, and the session goes on
        summary: list[Any] = [
            {"role": "user", "content": "Summary: all is well."},
            {"role": "assistant", "content": "I see."},
        ]
        tail = messages[-2:]
        tail[1] = {
            "role": "user",
            "content": [{**block, "content": "[cleared]"} for block in tail[1]["content"]]
            + [{"type": "text", "text": "Now finish."}],
        }
        plain = {k: v for k, v in request.items() if k != "thinking"}
        plain_tail = [{**tail[0], "content": [b for b in tail[0]["content"] if b["type"] != "thinking"]}, tail[1]]
        done = sdk.messages.create(**plain, messages=[*summary, {"role": "user", "content": "Go on"}, *plain_tail])
        assert done.stop_reason in ("end_turn", "tool_use")
        assert done.content


def _sent_back(block: dict[str, Any]) -> dict[str, Any]:
    keys = {"text": ("type", "text"), "tool_use": ("type", "id", "name", "input")}
    return {key: block[key] for key in keys.get(block["type"], tuple(block)) if block.get(key) is not None}
