"""Counting for providers that do not count themselves: exact once the vocabulary is there, and without asking anybody."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

from dragoman.models import count_tokens, encoding_of, tally_tokens
from dragoman.providers import Providers
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Deployment
from dragoman.types.operations import COUNT_TOKENS

CHAT: list[Any] = [{"role": "user", "content": "How many tokens are these, to the last one?"}]
NOBODY = CallOptions(api_key="k", api_base="http://127.0.0.1:9")


async def counted(deployment: Deployment) -> int:
    router = CallRouter([deployment])
    await router.warm_up()
    answer = await router.answer(Call(operation=COUNT_TOKENS, model="fast", request={"chat": {"messages": CHAT}}))
    await router.aclose()
    assert isinstance(answer, Answer)
    assert answer.response["estimated"] is True  # by us, not by the provider
    tokens: int = answer.response["input_tokens"]
    return tokens


async def test_a_warm_router_counts_exactly_without_asking_anybody() -> None:
    openai = Providers().find("openai")
    assert await counted(Deployment(id="a", alias="fast", provider=openai, model="gpt-4o-mini", options=NOBODY)) == 18
    assert tally_tokens(CHAT, model="gpt-4o-mini", vocabulary="loaded").exact


async def test_a_deployment_of_another_name_counts_as_its_base_model_does() -> None:
    openai = Providers().find("openai")
    options = replace(NOBODY, base_model="openai/o3")
    ours = Deployment(id="a", alias="fast", provider=openai, model="ours", options=options)
    assert encoding_of("ours") is None
    assert await counted(ours) == count_tokens(CHAT, model="o3")


START = """
import asyncio
from dragoman import Router
from dragoman.models.tokens._encodings import is_loaded

async def main():
    router = Router([{"model_name": "a", "litellm_params": {"model": "openai/gpt-4o", "api_key": "k", "tpm": 1000}}])
    await router._core.warm_up()
    await router.acompletion("a", [{"role": "user", "content": "Hello"}], mock_response="Hello")
    await router.aclose()
    assert not is_loaded("o200k_base")

asyncio.run(main())
"""


def test_neither_the_start_nor_a_call_loads_a_vocabulary() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", START], check=True)
