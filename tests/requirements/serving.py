"""One loop, real sockets: a gateway in front of simulated providers, and what its callers say and read."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson

from dragoman.simulator import Faults, SimulatorSettings, app
from dragoman.simulator.app import Simulator
from tests.gateway.serving import KEY, gateway, serving

__all__ = ["BASES", "CALLERS", "KEY", "MODELS", "asked", "deployment", "events", "gateway", "in_front_of", "serving"]

MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
"""Provider -> one of its models."""
BASES = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}
"""Provider -> where the simulator plays it."""
CALLERS = ("openai", "anthropic", "gemini")


def deployment(there: str, provider: str, alias: str = "m", *, fault: str = "", **params: Any) -> dict[str, Any]:
    """An entry of the model list. `fault`: of the simulator, for this deployment only."""
    model = f"{provider}/{params.pop('model', MODELS[provider])}" + (f"[{fault}]" if fault else "")
    params = {"model": model, "api_base": there + BASES[provider], "api_key": "sk-of-the-provider", **params}
    return {"model_name": alias, "litellm_params": params}


@contextlib.asynccontextmanager
async def in_front_of(*models: tuple[str, dict[str, Any]], **sections: Any) -> AsyncIterator[tuple[str, Simulator]]:
    """The address of a gateway, and the simulator behind it. `models`: provider, and arguments of `deployment`."""
    simulator = app(SimulatorSettings(faults=Faults().with_changes("strict")))
    settings = {"router_settings": {"num_retries": 0}, **sections}
    async with serving(simulator) as there:
        listed = [deployment(there, provider, **params) for provider, params in models]
        async with gateway(listed, **settings) as here:
            yield here, simulator


def asked(
    caller: str, text: str = "Hello there", *, model: str = "m", stream: bool = False, **more: Any
) -> tuple[str, dict[str, Any]]:
    """Path and body of one question in a caller's dialect."""
    if caller == "gemini":
        action = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{action}", {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    if stream:
        body["stream"] = True
    if caller == "anthropic":
        return "/v1/messages", {"max_tokens": 4000, **body}
    return "/v1/chat/completions", body


def events(text: str) -> list[dict[str, Any]]:
    """The events of a stream, comments and `[DONE]` left out."""
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [orjson.loads(line) for line in lines if line != "[DONE]"]
