"""Requirement 25: each of OpenAI's parameters is sent, or reported as left out, or refused by its name; never silently lost."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from dragoman.types.request_params import REQUEST_PARAMS
from tests.requirements.serving import asked, in_front_of

SAMPLES: dict[str, tuple[Any, dict[str, Any]]] = {
    name: (param.sample, dict(param.beside))
    for name, param in REQUEST_PARAMS["chat"].items()
    if name not in ("stream", "stream_options", "vendor_params", "cached_content", "audio")
}
TOOLS = REQUEST_PARAMS["chat"]["tool_choice"].beside
PARAMS = SAMPLES | {
    "tool_choice": ("none", dict(TOOLS)),
    "function_call": ("none", SAMPLES["function_call"][1]),
    "modalities": (["text", "audio"], {"audio": {"voice": "alloy", "format": "wav"}}),
    "service_tier": ("flex", {}),
    "metadata": ({"a": "b"}, {}),
    "thinking": ({"type": "enabled", "budget_tokens": 1024}, {}),
    "safety_settings": ([{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}], {}),
    "from_the_future": ("x", {}),
}
TARGETS = {
    "gpt-4o": "openai",
    "gpt-5": "openai",
    "claude-sonnet-4-5": "anthropic",
    "gemini-2.5-flash": "gemini",
    "gemini-3-pro-preview": "gemini",
}


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("model", TARGETS)
async def test_no_parameter_is_lost_in_silence(client: aiohttp.ClientSession, model: str, drop: bool) -> None:
    async with in_front_of((TARGETS[model], {"model": model})) as (here, simulator):

        async def ask(**params: Any) -> tuple[int, set[str], Any, Any]:
            path, body = asked("openai", "Say it in JSON", **params)
            body |= {"drop_params": True} if drop else {}
            before = len(simulator.call_log.calls)
            async with client.post(here + path, json=body) as reply:
                dropped = set(reply.headers.get("x-dragoman-dropped-params", "").split(", ")) - {""}
                answer = await reply.json()
            last = simulator.call_log.last or {}
            return reply.status, dropped, answer, last.get("body") if len(simulator.call_log.calls) > before else None

        fates = {}
        for name, (value, beside) in PARAMS.items():
            without = (await ask(**beside))[3]
            status, dropped, answer, sent = await ask(**beside, **{name: value})
            told = any(item == name or item.startswith((f"{name}.", f"{name}[")) for item in dropped)
            if status == 200:
                fates[name] = "sent" if sent != without else "reported" if told else "lost"
            else:
                assert status == 400, answer
                error = answer["error"]
                named = any(word in f"{error['param']} {error['message']}" for word in (name, *beside))
                fates[name] = "refused" if named else f"refused without its name: {error}"
                assert not drop or name == "from_the_future", f"{name}: {error}"
        assert set(fates.values()) <= {"sent", "reported", "refused"}, fates


async def test_other_dialects_callers_are_told_too(client: aiohttp.ClientSession) -> None:
    own: dict[str, dict[str, Any]] = {
        "anthropic": {"container": "c", "top_k": 5},
        "gemini": {"cachedContent": "cachedContents/1", "generationConfig": {"topK": 5}},
    }
    for caller, more in own.items():
        async with in_front_of(("openai", {}), ("openai", {"alias": "drops", "drop_params": True})) as (
            here,
            simulator,
        ):
            path, body = asked(caller, **more)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 400
                assert simulator.call_log.last is None, "nothing was sent"
                message = (await reply.json())["error"]["message"]
            assert any(name in message for name in ("top_k", "container", "cached_content", "cachedContent"))
            path, body = asked(caller, model="drops", **more)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 200, await reply.text()
                assert "top_k" in reply.headers["x-dragoman-dropped-params"]
