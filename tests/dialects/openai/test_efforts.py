"""What OpenAI's newest models take only at some reasoning efforts. The sources are named in families.toml."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects import openai_chat
from dragoman.dialects.codec import RequestHints, Target, WireRequest
from dragoman.dialects.openai_chat.accents import ACCENTS
from dragoman.errors import UnsupportedParamsError
from dragoman.models import facts
from tests.recordings import Recording, recordings

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]


def written(target_model: str, *, allowed: tuple[str, ...] = (), drop: bool = False, **params: Any) -> WireRequest:
    target = Target(
        provider="openai",
        model=target_model,
        vendor="openai",
        facts=facts("openai", target_model),
        accent=ACCENTS["openai"],
        drop_params=drop,
        allowed_openai_params=allowed,
    )
    request: Any = {"model": target_model, "messages": [{"role": "user", "content": "Hello"}], **params}
    return openai_chat.CODEC.write_request(request, target)


@pytest.mark.parametrize(
    ("model", "params", "refused"),
    [
        ("gpt-5.1", {"temperature": 0.5}, None),
        ("gpt-5.1", {"temperature": 0.5, "reasoning_effort": "none"}, None),
        ("gpt-5.1", {"temperature": 0.5, "reasoning_effort": "low"}, "temperature"),
        ("gpt-5.1", {"temperature": 1, "reasoning_effort": "low"}, None),
        ("gpt-5.1", {"tools": TOOLS, "reasoning_effort": "low"}, None),
        ("gpt-5.4", {"top_p": 0.5}, None),
        ("gpt-5.4-mini", {"logprobs": True, "reasoning_effort": "high"}, "logprobs"),
        ("gpt-5.4", {"tools": TOOLS}, None),
        ("gpt-5.4", {"tools": TOOLS, "reasoning_effort": "none"}, None),
        ("gpt-5.4", {"tools": TOOLS, "reasoning_effort": "low"}, "reasoning_effort"),
        ("gpt-5.5", {"temperature": 0.5}, "temperature"),
        ("gpt-5.6-sol", {"temperature": 0.5, "reasoning_effort": "none"}, None),
        ("gpt-5.6-sol", {"tools": TOOLS}, None),
        ("gpt-5.6-terra", {"tools": TOOLS, "thinking": {"type": "enabled", "budget_tokens": 2048}}, "reasoning_effort"),
        ("gpt-6-sol", {"temperature": 0.5}, None),
        ("gpt-6-sol", {"functions": [TOOLS[0]["function"]], "reasoning_effort": "low"}, "reasoning_effort"),
        ("gpt-6-astra", {"tools": TOOLS}, "tools"),
        ("gpt-6-astra", {"functions": [TOOLS[0]["function"]]}, "functions"),
    ],
)
def test_what_goes_with_which_effort(model: str, params: dict[str, Any], refused: str | None) -> None:
    if refused is None:
        assert written(model, **params).dropped == ()
        return
    with pytest.raises(UnsupportedParamsError) as caught:
        written(model, **params)
    assert caught.value.param == refused
    assert refused in written(model, drop=True, **params).dropped
    assert written(model, allowed=(refused,), **params).dropped == ()


def test_dropping_leaves_a_request_that_the_model_takes() -> None:
    both = written("gpt-5.6-sol", drop=True, tools=TOOLS, reasoning_effort="high", temperature=0.5)
    assert both.dropped == ("reasoning_effort",)
    assert (both.body["reasoning_effort"], both.body["temperature"]) == ("none", 0.5)
    unsaid = written("gpt-5.6-sol", drop=True, tools=TOOLS)
    assert unsaid.dropped == ("reasoning_effort",)
    assert unsaid.body["reasoning_effort"] == "none"
    none = written("gpt-6-astra", drop=True, tools=TOOLS, tool_choice="auto", parallel_tool_calls=True)
    assert none.dropped == ("tools",)
    assert none.body.keys() == {"model", "messages"}


def depends(recording: Recording) -> bool:
    known = facts(recording.provider, recording.model)
    return known.sampling_efforts is not None or known.tool_efforts is not None


@pytest.mark.parametrize("recording", recordings(("openai", "chat"), ("azure", "chat"), where=depends))
def test_what_such_a_model_took_is_written_whole(recording: Recording) -> None:
    request: Any = openai_chat.CODEC.read_request(recording.request_body, RequestHints(model=recording.model))
    dropped = written(recording.model, **{**request, "model": recording.model}).dropped
    assert set(dropped) <= {"cache_control"}  # which OpenAI does not know


def tells_default(recording: Recording) -> bool:
    body = recording.request_body
    asked = body.get("reasoning") if isinstance(body, dict) else None
    by_default = depends(recording) and not (asked or {}).get("effort")
    return (
        by_default and bool(facts("openai", recording.model).default_effort) and b'"effort"' in recording.response_bytes
    )


@pytest.mark.parametrize("recording", recordings(("*", "responses"), where=tells_default))
def test_the_default_effort_is_the_one_that_the_provider_tells(recording: Recording) -> None:
    default = facts("openai", recording.model).default_effort
    assert f'"effort":"{default}"' in recording.response_bytes.decode().replace(" ", "")
