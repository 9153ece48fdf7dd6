"""When a caller's own body passes through untouched, and when it must not."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, ReplyStyle, RequestHints
from dragoman.routing import Answer, Call, CallOptions, Source, StreamAnswer
from dragoman.types.operations import CHAT
from tests.routing.test_router import Make
from tests.routing.upstream import Upstream

CODECS: dict[str, Codec[Any, Any, Any]] = {
    "openai": openai_chat.CODEC,
    "anthropic": anthropic_messages.CODEC,
    "gemini": gemini.CODEC,
}
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]},
    "anthropic": {"model": "smart", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
}


def asked(caller: str, *, stream: bool = False, body: dict[str, Any] | None = None, **options: Any) -> Call:
    body = {**BODIES[caller], **(body or {})}
    if stream and caller != "gemini":
        body["stream"] = True
    codec = CODECS[caller]
    return Call(
        operation=CHAT,
        model="smart",
        request=codec.read_request(body, RequestHints(model="smart", stream=stream)),
        stream=stream,
        options=CallOptions(**options),
        source=Source(codec.dialect, body, orjson.dumps(body)),
        reply_style=ReplyStyle(model="smart"),
    )


def is_native(answer: Answer | StreamAnswer) -> bool:
    return answer.native is not None if isinstance(answer, Answer) else answer.native


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", CODECS)
@pytest.mark.parametrize("caller", CODECS)
async def test_the_same_dialect_on_both_sides_passes_through(
    upstream: Upstream, make: Make, caller: str, provider: str, stream: bool
) -> None:
    router = make(upstream.deployment("smart", "sim", provider=provider))
    answer = await router.answer(asked(caller, stream=stream))
    assert is_native(answer) is (caller == provider)
    if isinstance(answer, StreamAnswer):
        items = [item async for batch in answer.batches for item in batch]
        assert items
        assert {type(item) for item in items} == {bytes if caller == provider else dict}
    assert answer.usage is not None
    assert answer.usage["completion_tokens"] > 0
    if caller == provider:
        sent = {
            name: value for name, value in upstream.last["body"].items() if name not in ("stream", "stream_options")
        }
        assert sent == {**BODIES[caller], **({"model": "sim"} if "model" in BODIES[caller] else {})}


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"drop_params": True}},
        {"options": {"additional_drop_params": ("user",)}},
        {"params": {"temperature": 0.5}},
        {"mark": True},
        {"unfaithful": True},
    ],
    ids=str,
)
async def test_what_has_to_be_changed_does_not_pass_through(
    upstream: Upstream, make: Make, change: dict[str, Any]
) -> None:
    deployment = upstream.deployment("smart", "sim", params=change.get("params", {}))
    if change.get("unfaithful"):
        other = upstream.provider("other")
        deployment = dataclasses.replace(deployment, provider=other)
    body = {}
    if change.get("mark"):
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        said = {"role": "assistant", "content": "x", "tool_calls": [call], "thinking_blocks": [{"type": "thinking"}]}
        body = {
            "messages": [
                {"role": "user", "content": "Hello"},
                said,
                {"role": "tool", "tool_call_id": "c1", "content": "1"},
            ]
        }
    answer = await make(deployment).answer(asked("openai", body=body, **change.get("options", {})))
    assert not is_native(answer)


async def test_extra_body_is_merged_last_into_what_passes_through(upstream: Upstream, make: Make) -> None:
    call = asked("openai", extra_body={"user": "u", "seed": 5})
    answer = await make(upstream.deployment("smart", "sim")).answer(call)
    assert is_native(answer)
    assert upstream.last["body"]["user"] == "u"
    assert upstream.last["body"]["seed"] == 5
    assert call.source is not None
    assert call.source.body == BODIES["openai"]


async def test_a_fallback_to_another_dialect_is_written_anew(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=500]"),
        upstream.deployment("backup", "sim", provider="anthropic"),
        settings={"fallbacks": {"smart": ("backup",)}, "num_retries": 0},
    )
    answer = await router.answer(asked("openai"))
    assert isinstance(answer, Answer)
    assert answer.native is None
    assert upstream.last["path"] == "/v1/messages"
