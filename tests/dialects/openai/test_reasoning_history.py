"""The reasoning of earlier turns, forced tools beside it, and models that always reason: the laws hold for every provider."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects import anthropic_messages, gemini
from dragoman.dialects.codec import RequestHints, Target, WireRequest
from dragoman.dialects.openai_chat import CODEC
from dragoman.errors import UnsupportedParamsError
from dragoman.models import facts
from dragoman.providers import Providers
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import ModelFacts

KNOWN = Providers()
CALL = {"id": "call_0001", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
THOUGHTS: list[JsonObject] = [
    {"reasoning_content": "THINK"},
    {"reasoning": "THINK"},
    {"reasoning_details": [{"type": "reasoning.text", "text": "THINK"}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": "THINK", "signature": "s"}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": "THINK", "signature": "s", "vendor": "anthropic"}]},
]


def chat_providers() -> list[str]:
    endpoints = {name: KNOWN.find(name).endpoints.get("chat") for name in KNOWN.names()}
    return [name for name, endpoint in endpoints.items() if endpoint is not None and endpoint.codec is CODEC]


def target(provider: str, model: str, **more: Any) -> Target:
    record = KNOWN.find(provider)
    vendor = record.vendor or record.name
    return Target(record.name, model, vendor, accent=record.accent, facts=facts(record.name, model), **more)


def write(provider: str, model: str, request: JsonObject, **more: Any) -> WireRequest:
    asked = CODEC.read_request({"model": "alias", **request}, RequestHints())
    return CODEC.write_request(asked, target(provider, model, **more))


def history(**thought: Any) -> list[JsonObject]:
    return [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [CALL], **thought},
        {"role": "tool", "tool_call_id": "call_0001", "content": "1"},
    ]


@pytest.mark.parametrize("provider", chat_providers())
def test_earlier_reasoning_goes_back_or_is_reported(provider: str) -> None:
    for thought in THOUGHTS:
        asked = {"messages": history(**thought), "tools": [TOOL]}
        wire = write(provider, "some-model", asked, drop_params=True)
        assert "THINK" in str(wire.body["messages"][1]) or "reasoning_content" in wire.dropped, thought


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("xiaomi_mimo", "reasoning_content"),
        ("nvidia_nim", "reasoning_content"),
        ("siliconflow", "reasoning_content"),
        ("novita", "reasoning_content"),
        ("litellm_proxy", "reasoning_content"),
        ("hosted_vllm", "reasoning"),
        ("groq", "reasoning"),
        ("openrouter", "reasoning"),
    ],
)
def test_the_providers_own_field(provider: str, field: str) -> None:
    sent = write(provider, "some-model", {"messages": history(reasoning_content="THINK"), "tools": [TOOL]})
    assert sent.body["messages"][1][field] == "THINK"
    assert "reasoning_content" not in sent.dropped


@pytest.mark.parametrize("content", ["Hello", None, [{"type": "text", "text": "Hello"}]])
def test_minimax_keeps_its_reasoning_where_it_stood(content: Any) -> None:
    message = {"role": "assistant", "content": content, "reasoning_content": "THINK", "tool_calls": [CALL]}
    sent = write("minimax", "MiniMax-M2.5", {"messages": [{"role": "user", "content": "hi"}, message]})
    written = sent.body["messages"][1]["content"]
    said = written if isinstance(written, str) else "".join(part["text"] for part in written)
    assert said == "<think>\nTHINK\n</think>\n\n" + ("Hello" if content else "")


def test_other_vendors_reasoning_is_reported_by_the_dialects_that_seal_theirs() -> None:
    asked: Any = {"model": "alias", "messages": history(reasoning_content="THINK"), "tools": [TOOL]}
    for codec, provider, model in (
        (anthropic_messages.CODEC, "anthropic", "claude-sonnet-4-5"),
        (gemini.CODEC, "gemini", "gemini-2.5-pro"),
    ):
        wire = codec.write_request(asked, target(provider, model))
        assert "THINK" not in str(wire.body)
        assert "reasoning_content" in wire.dropped


ECHOING = [
    ("deepseek", "deepseek-v4-pro"),
    ("deepseek", "deepseek-v4-flash"),
    ("deepseek", "deepseek-reasoner"),
    ("moonshot", "kimi-k2.5"),
    ("moonshot", "kimi-k2.6"),
    ("moonshot", "kimi-k2-thinking"),
    ("moonshot", "kimi-k3"),
    ("moonshotai-cn", "kimi-k2.6"),
    ("xiaomi_mimo", "mimo-v2.5-pro"),
    ("nvidia_nim", "moonshotai/kimi-k2.6"),
    ("novita", "deepseek/deepseek-v4-pro"),
    ("hosted_vllm", "moonshotai/Kimi-K2-Thinking"),
]


@pytest.mark.parametrize(("provider", "model"), ECHOING)
def test_reasoning_that_is_demanded_and_missing_is_stood_in_for_and_reported(provider: str, model: str) -> None:
    messages = [*history(), {"role": "assistant", "content": "one"}, {"role": "user", "content": "and?"}]
    wire = write(provider, model, {"messages": messages, "tools": [TOOL]})
    for message in wire.body["messages"]:
        if message["role"] == "assistant":
            assert message.get("reasoning_content") or message.get("reasoning")
    assert wire.dropped == ("reasoning_content",)
    kept = write(provider, model, {"messages": history(reasoning_content="THINK"), "tools": [TOOL]})
    assert "THINK" in str(kept.body["messages"][1])
    assert kept.dropped == ()


@pytest.mark.parametrize(
    ("provider", "model", "asked"),
    [
        ("deepseek", "deepseek-v4-pro", {"thinking": {"type": "disabled"}}),
        ("deepseek", "deepseek-v4-pro", {"reasoning_effort": "none"}),
        ("moonshot", "kimi-k2.6", {"thinking": {"type": "disabled"}}),
        ("xiaomi_mimo", "mimo-v2-flash", {}),
        ("deepseek", "deepseek-chat", {}),
        ("openai", "gpt-4.1", {}),
    ],
)
def test_nothing_stands_in_where_nothing_is_demanded(provider: str, model: str, asked: JsonObject) -> None:
    wire = write(provider, model, {"messages": history(), "tools": [TOOL], **asked})
    assert wire.body["messages"][1].keys() == {"role", "content", "tool_calls"}
    assert wire.dropped == ()


FORCED: list[Any] = ["required", {"type": "function", "function": {"name": "f"}}]
DEFAULT_THINKERS = [
    ("deepseek", "deepseek-v4-flash", {"thinking": {"type": "disabled"}}),
    ("deepseek", "deepseek-v4-pro", {"thinking": {"type": "disabled"}}),
    ("moonshot", "kimi-k2.6", {"thinking": {"type": "disabled"}}),
    ("moonshotai-cn", "kimi-k2.5", {"thinking": {"type": "disabled"}}),
    ("dashscope", "qwen3.5-plus", {"enable_thinking": False}),
    ("qwencloud", "qwen3-32b", {"enable_thinking": False}),
]


@pytest.mark.parametrize("choice", FORCED)
@pytest.mark.parametrize(("provider", "model", "off"), DEFAULT_THINKERS)
def test_a_forced_call_switches_off_the_reasoning_that_nobody_asked_for(
    provider: str, model: str, off: JsonObject, choice: Any
) -> None:
    wire = write(provider, model, {"messages": history(), "tools": [TOOL], "tool_choice": choice})
    assert wire.body["tool_choice"] == choice
    assert off.items() <= wire.body.items()
    assert wire.dropped == ("thinking",)
    assert "reasoning_content" not in wire.body["messages"][1]


ASKED_THINKERS: list[Any] = [
    *((provider, model, {"reasoning_effort": "high"}) for provider, model, _ in DEFAULT_THINKERS),
    *(
        (provider, model, {"thinking": {"type": "enabled", "budget_tokens": 2048}})
        for provider, model, _ in DEFAULT_THINKERS
    ),
    ("dashscope", "qwen-plus", {"enable_thinking": True}),
    ("deepseek", "deepseek-reasoner", {}),
    ("moonshot", "kimi-k2-thinking", {}),
    ("moonshot", "kimi-k2.7-code", {}),
    ("dashscope", "qwq-plus", {}),
    ("bedrock_mantle", "anthropic.claude-sonnet-4-5", {"reasoning_effort": "high"}),
]


@pytest.mark.parametrize("choice", FORCED)
@pytest.mark.parametrize(("provider", "model", "asked"), ASKED_THINKERS)
def test_a_forced_call_beside_reasoning_that_was_asked_for(
    provider: str, model: str, asked: JsonObject, choice: Any
) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "tools": [TOOL], "tool_choice": choice, **asked}
    with pytest.raises(UnsupportedParamsError, match="while the model reasons") as caught:
        write(provider, model, request)
    assert caught.value.param == "tool_choice"
    wire = write(provider, model, request, drop_params=True)
    assert wire.body["tool_choice"] == "auto"
    assert "tool_choice" in wire.dropped


@pytest.mark.parametrize("choice", ["auto", "none", None])
@pytest.mark.parametrize(("provider", "model", "off"), DEFAULT_THINKERS)
def test_other_choices_leave_the_reasoning_alone(provider: str, model: str, off: JsonObject, choice: Any) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "tools": [TOOL], "tool_choice": choice}
    wire = write(provider, model, request)
    assert not off.keys() & wire.body.keys()
    assert wire.dropped == ()


ALWAYS = [
    ("deepseek", "deepseek-reasoner"),
    ("moonshot", "kimi-k2-thinking"),
    ("mistral", "magistral-medium-latest"),
    ("dashscope", "qwq-plus"),
    ("xai", "grok-4"),
    ("xai", "grok-4-1-fast-reasoning"),
    ("xai", "grok-code-fast-1"),
    ("minimax", "MiniMax-M2.5"),
    ("nvidia_nim", "deepseek-ai/deepseek-r1"),
    ("openai", "o1-mini"),
]


@pytest.mark.parametrize(("provider", "model"), ALWAYS)
def test_a_model_that_always_reasons(provider: str, model: str) -> None:
    def asked(**words: Any) -> WireRequest:
        return write(provider, model, {"messages": [{"role": "user", "content": "hi"}], **words})

    plain = asked().body
    assert asked(reasoning_effort="high").dropped == ("reasoning_effort",)
    assert asked(thinking={"type": "enabled", "budget_tokens": 2048}).dropped == ("thinking",)
    assert asked(thinking={"type": "enabled"}).dropped == ()
    assert asked(thinking={"type": "disabled"}).dropped == ("thinking",)
    assert asked(reasoning_effort="high").body == plain
    with pytest.raises(UnsupportedParamsError, match="it always reasons"):
        asked(reasoning_effort="none")


@pytest.mark.parametrize(
    ("provider", "model"), [("xai", "grok-4.20-0309-non-reasoning"), ("xai", "grok-2"), ("openai", "gpt-4.1")]
)
def test_a_model_that_never_reasons(provider: str, model: str) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "reasoning_effort": "high"}
    with pytest.raises(UnsupportedParamsError, match="it does not reason"):
        write(provider, model, request)
    wire = write(provider, model, request, drop_params=True)
    assert "reasoning_effort" not in wire.body
    assert wire.dropped == ("reasoning_effort",)


REASONING_GROKS = [
    "grok-3-mini",
    "grok-4",
    "grok-4-0709",
    "grok-4-fast",
    "grok-4.20-0309-reasoning",
    "grok-4.3",
    "grok-4.5",
    "grok-4.6",
]


@pytest.mark.parametrize("model", REASONING_GROKS)
@pytest.mark.parametrize("param", ["stop", "presence_penalty", "frequency_penalty"])
def test_what_a_reasoning_grok_refuses(model: str, param: str) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], param: ["x"] if param == "stop" else 0.5}
    with pytest.raises(UnsupportedParamsError) as caught:
        write("xai", model, request)
    assert caught.value.param == param
    wire = write("xai", model, request, drop_params=True)
    assert param not in wire.body
    assert wire.dropped == (param,)
    assert write("openrouter", f"x-ai/{model}", request).body[param] == request[param]  # it leaves out itself


def test_a_grok_that_does_not_reason_stops() -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "stop": ["x"]}
    assert write("xai", "grok-4-fast-non-reasoning", request).body["stop"] == ["x"]


LONG = '{"device_id":"' + "a" * 64 + '","session_id":"11111111-2222-3333-4444-555555555555"}'


@pytest.mark.parametrize("provider", chat_providers())
def test_an_id_of_the_caller_never_fails_a_request(provider: str) -> None:
    for key in ("user", "safety_identifier", "prompt_cache_key"):
        wire = write(provider, "some-model", {"messages": [{"role": "user", "content": "hi"}], key: LONG})
        sent = wire.body.get(key)
        assert sent == LONG or key in wire.dropped
        most = getattr(KNOWN.find(provider).accent, "id_length", 0)
        assert sent is None or not most or len(sent) <= most
    assert write(provider, "m", {"messages": [{"role": "user", "content": "hi"}], "user": "u1"}).body.get("user") in (
        "u1",
        None,
    )


def test_one_user_stays_one_user_and_two_stay_two() -> None:
    sent = [
        write("openai", "gpt-4.1", {"messages": [{"role": "user", "content": "hi"}], "user": user}).body["user"]
        for user in (LONG, LONG, LONG + "2")
    ]
    assert sent[0] == sent[1] != sent[2]
    assert all(len(user) == 64 for user in sent)


def test_a_long_id_does_not_pass_through_untouched() -> None:
    assert CODEC.relay_request is not None
    body: JsonObject = {"model": "a", "messages": [{"role": "user", "content": "hi"}]}
    assert CODEC.relay_request(body | {"user": "u" * 64}, target("openai", "gpt-4.1")) is not None
    assert CODEC.relay_request(body | {"user": "u" * 65}, target("openai", "gpt-4.1")) is None


@pytest.mark.parametrize(
    ("user", "fits"), [("u1", True), ("u" * 256, True), ("u" * 257, False), ("someone@example.com", False)]
)
def test_anthropics_user_id(user: str, fits: bool) -> None:
    asked: Any = {"model": "alias", "messages": [{"role": "user", "content": "hi"}], "user": user}
    wire = anthropic_messages.CODEC.write_request(asked, target("anthropic", "claude-sonnet-4-5"))
    sent = wire.body["metadata"]["user_id"]
    assert (sent == user) is fits
    assert len(sent) <= 256
    assert "@" not in sent
    assert wire.dropped == (() if fits else ("user",))


def test_signed_blocks_go_back_through_a_proxy_that_keeps_them() -> None:
    own = {"type": "thinking", "thinking": "THINK", "signature": "s"}
    foreign = {"type": "thinking", "thinking": "OTHER", "signature": "g", "vendor": "google"}
    for blocks in ([own], [own | {"vendor": "anthropic", "index": 0}], [own, foreign]):
        sent = write(
            "litellm_proxy", "claude-sonnet-4-5", {"messages": history(thinking_blocks=blocks), "tools": [TOOL]}
        )
        assert sent.body["messages"][1]["thinking_blocks"] == [own]
        assert sent.body["messages"][1]["reasoning_content"].startswith("THINK")


SIBLINGS = {"anthropic": anthropic_messages.CODEC, "gemini": gemini.CODEC}


@pytest.mark.parametrize("provider", SIBLINGS)
def test_the_other_dialects_treat_models_without_control_alike(provider: str) -> None:
    def sent(can_disable: bool | None, **words: Any) -> WireRequest:
        known = ModelFacts(reasoning="none", can_disable_reasoning=can_disable)
        asked: Any = {"model": "alias", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4000, **words}
        return SIBLINGS[provider].write_request(asked, Target(provider, "m", provider, facts=known))

    budget = {"type": "enabled", "budget_tokens": 2048}
    assert sent(False, reasoning_effort="high").dropped == ("reasoning_effort",)
    assert sent(False, thinking=budget).dropped == ("thinking",)
    assert sent(False, thinking={"type": "disabled"}).dropped == ("thinking",)
    assert sent(None, thinking={"type": "disabled"}).dropped == ()
    with pytest.raises(UnsupportedParamsError, match="it always reasons"):
        sent(False, reasoning_effort="none")
    for words in ({"reasoning_effort": "high"}, {"thinking": budget}):
        with pytest.raises(UnsupportedParamsError, match="it does not reason"):
            sent(None, **words)
