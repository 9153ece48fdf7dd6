"""A model that is known to lack what a call needs is not asked, against real sockets."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest

from dragoman import errors
from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.models import Catalogue
from dragoman.routing import Answer, Call, CallOptions, Source
from dragoman.types.operations import COUNT_TOKENS
from tests.routing.test_passing_through import CODECS, asked, is_native
from tests.routing.test_router import Make, chat, text_of
from tests.routing.upstream import Stillness, Upstream

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LOOK = [
    {"role": "user", "content": [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]}
]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
BLIND, SEEING, NO_TOOLS = "gpt-4", "gpt-4o", "o1-mini"


def look(model: str, *, stream: bool = False, **options: Any) -> Call:
    return chat(model, stream=stream, request={"messages": LOOK}, **options)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("native", [False, True])
async def test_the_error_says_what_is_missing_where_who_says_so_and_how_to_overrule(
    upstream: Upstream, make: Make, stream: bool, native: bool
) -> None:
    router = make(upstream.deployment("smart", BLIND))
    call = asked("openai", stream=stream, body={"messages": LOOK}) if native else look("smart", stream=stream)
    with pytest.raises(errors.UnsupportedAbilityError) as caught:
        await router.answer(call)
    error = caught.value
    assert isinstance(error, errors.UnsupportedParamsError)
    assert (error.status_code, error.code, error.param) == (400, "unsupported_ability", "messages[0].content[1]")
    assert (error.provider, error.model) == ("openai", BLIND)
    for word in (BLIND, "vision", "messages[0].content[1]", "table of model families", "supports_vision: true"):
        assert word in error.message
    assert upstream.calls == []
    assert [attempt.error for attempt in error.attempts] == ["UnsupportedAbilityError"]


@pytest.mark.parametrize("caller", CODECS)
async def test_callers_of_each_dialect_are_told(upstream: Upstream, make: Make, caller: str) -> None:
    image = {"type": "base64", "media_type": "image/png", "data": PICTURE.partition(",")[2]}
    bodies: dict[str, dict[str, Any]] = {
        "openai": {"messages": LOOK},
        "anthropic": {"messages": [{"role": "user", "content": [{"type": "image", "source": image}]}]},
        "gemini": {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": image["data"]}}]}]},
    }
    with pytest.raises(errors.UnsupportedAbilityError):
        await make(upstream.deployment("smart", BLIND)).answer(asked(caller, body=bodies[caller]))
    assert upstream.calls == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("retries", [0, 2])
async def test_only_the_deployment_that_can_is_asked(
    upstream: Upstream, make: Make, stream: bool, retries: int
) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", BLIND),
        upstream.deployment("smart", "gpt-3.5-turbo", number=1, order=1),
        upstream.deployment("smart", SEEING, number=2, order=2),
        clock=still.clock,
    )
    answer = await router.answer(look("smart", stream=stream, num_retries=retries))
    assert await text_of(answer)
    assert answer.model == SEEING
    assert [attempt.error for attempt in answer.attempts] == [None]
    passed = dict(answer.attempts[0].passed_over)
    assert set(passed) == {"smart:0", "smart:1"}
    assert all(reason.startswith("abilities: messages[0].content[1] needs vision") for reason in passed.values())
    assert len(upstream.calls) == 1
    assert still.slept == []


async def test_a_refusal_here_takes_nothing_from_the_retries(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", BLIND),
        upstream.deployment("smart", f"{SEEING}[error=500]", number=1, order=1),
        clock=Stillness().clock,
    )
    with pytest.raises(errors.InternalServerError):
        await router.answer(look("smart", num_retries=2))
    assert len(upstream.calls) == 3


async def test_a_fallback_that_can_is_asked(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", BLIND), upstream.deployment("eyes", SEEING, number=1))
    answer = await router.answer(look("smart", fallbacks=("eyes",)))
    assert answer.model == SEEING
    assert len(upstream.calls) == 1


async def test_where_nobody_can_the_first_says_so(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", BLIND), upstream.deployment("also", "o3-mini", number=1))
    with pytest.raises(errors.UnsupportedAbilityError, match=BLIND):
        await router.answer(look("smart", fallbacks=("also",)))
    assert upstream.calls == []


@pytest.mark.parametrize(
    "overruled",
    [
        {"model_info": {"supports_vision": True}},
        {"options": {"allowed_openai_params": ("vision",)}},
        {"row": {"supports_vision": True}},
        {"model": "unheard-of"},
        {"model_info": {"base_model": "gpt-4o"}},
    ],
)
@pytest.mark.parametrize("native", [False, True])
async def test_who_knows_better_is_heard_and_the_unknown_passes(
    upstream: Upstream, make: Make, overruled: dict[str, Any], native: bool
) -> None:
    overruled, catalogue = dict(overruled), Catalogue()
    model = overruled.pop("model", BLIND)
    if saying := overruled.pop("row", None):
        catalogue.add(entry_from_mapping(saying, provider="openai", model=model, source="register_model"))
    router = make(upstream.deployment("smart", model, **overruled), catalogue=catalogue)
    answer = await router.answer(asked("openai", body={"messages": LOOK}) if native else look("smart"))
    assert is_native(answer) is native
    assert upstream.last["body"]["messages"] == LOOK


async def test_a_user_can_say_that_a_model_cannot(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", SEEING, model_info={"supports_vision": False}))
    with pytest.raises(errors.UnsupportedAbilityError, match="as config says"):
        await router.answer(look("smart"))
    assert upstream.calls == []


PARAMETERS: dict[str, dict[str, Any]] = {
    "tools": {"tools": TOOLS, "tool_choice": "auto", "parallel_tool_calls": False},
    "modalities": {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    "web_search_options": {"web_search_options": {}},
}


@pytest.mark.parametrize("param", PARAMETERS)
async def test_parameters_are_refused_or_left_out_and_reported_once(upstream: Upstream, make: Make, param: str) -> None:
    asking, without = PARAMETERS[param], {"supports_audio_output": False, "supports_web_search": False}
    router = make(upstream.deployment("smart", NO_TOOLS, model_info=without))
    with pytest.raises(errors.UnsupportedAbilityError) as caught:
        await router.answer(chat("smart", request=asking))
    assert str(caught.value.param).startswith(param)
    assert upstream.calls == []
    answer = await router.answer(chat("smart", request=asking, drop_params=True))
    assert sorted(answer.dropped) == sorted(asking)
    assert upstream.last["body"].keys().isdisjoint(asking)


async def test_what_stands_in_the_messages_is_never_left_out(upstream: Upstream, make: Make) -> None:
    with pytest.raises(errors.UnsupportedAbilityError):
        await make(upstream.deployment("smart", BLIND)).answer(look("smart", drop_params=True))
    assert upstream.calls == []


async def test_a_parameter_that_is_to_be_left_out_anyway_is_no_reason(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", NO_TOOLS))
    answer = await router.answer(chat("smart", request={"tools": TOOLS}, additional_drop_params=("tools",)))
    assert answer.dropped == ("tools",)
    assert "tools" not in upstream.last["body"]


TUNED = {
    "reasoning_effort": ("gpt-4o", "low"),
    "temperature": ("gpt-5", 0.5),
    "tool_choice": ("claude-opus-5-5", "required"),
}


@pytest.mark.parametrize("param", TUNED)
async def test_what_only_tunes_is_refused_by_the_dialect_also_where_the_body_would_pass_through(
    upstream: Upstream, make: Make, param: str
) -> None:
    model, value = TUNED[param]
    router = make(upstream.deployment("smart", model))
    body = {param: value, "tools": TOOLS}
    for call in (chat("smart", request=body), asked("openai", body=body)):
        with pytest.raises(errors.UnsupportedParamsError) as caught:
            await router.answer(call)
        assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert upstream.calls == []
    answer = await router.answer(chat("smart", request=body, drop_params=True))
    assert answer.dropped == (param,)


async def test_a_schema_goes_by_the_bridge_where_a_model_has_no_own_way(upstream: Upstream, make: Make) -> None:
    """A tool, or for a model without tools a prompt; also where the body would pass through."""
    schema = {"name": "s", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    wanted = {"response_format": {"type": "json_schema", "json_schema": schema}}
    for model, sent in (("gpt-4-turbo", "tools"), (NO_TOOLS, "response_format")):
        answer = await make(upstream.deployment("smart", model)).answer(asked("openai", body=wanted))
        assert not is_native(answer)
        assert sent in upstream.last["body"]
        assert upstream.last["body"].get("response_format") in (None, {"type": "json_object"})


async def test_counting_is_refused_nothing(upstream: Upstream, make: Make) -> None:
    call = Call(operation=COUNT_TOKENS, model="smart", request={"chat": {"messages": LOOK, "tools": TOOLS}})
    router = make(upstream.deployment("smart", "gemini-2.5-flash-tts", provider="gemini"))
    answer = await router.answer(call)
    assert isinstance(answer, Answer)
    assert answer.response["input_tokens"] > 0


async def test_a_body_that_needs_nothing_special_passes_through(upstream: Upstream, make: Make) -> None:
    body = {"model": "smart", "messages": [{"role": "user", "content": "Hello"}], "temperature": 1}
    call = dataclasses.replace(asked("openai"), request=body, source=Source("openai_chat", body, orjson.dumps(body)))
    assert is_native(await make(upstream.deployment("smart", "gpt-5")).answer(call))
    assert CallOptions() == call.options
