"""The official SDKs retry on their own: once the gateway has spent its attempts, they are told not to."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from tests.gateway.serving import KEY, Upstream, gateway, model, serving

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
FAST = {"disable_cooldowns": True, "retry_after": 0}


async def by_openai(here: str, *, stream: bool) -> None:
    async with openai.AsyncOpenAI(base_url=f"{here}/v1", api_key=KEY, max_retries=2) as sdk:
        with pytest.raises(openai.APIStatusError):
            await sdk.chat.completions.create(model="m", messages=HELLO, stream=stream)


async def by_anthropic(here: str, *, stream: bool) -> None:
    async with anthropic.AsyncAnthropic(base_url=here, api_key=KEY, max_retries=2) as sdk:
        with pytest.raises(anthropic.APIStatusError):
            await sdk.messages.create(model="m", max_tokens=9, messages=HELLO, stream=stream)


@pytest.mark.parametrize("ask", [by_openai, by_anthropic])
@pytest.mark.parametrize(("status", "headers"), [(500, {}), (503, {}), (429, {"retry-after-ms": "1"})])
@pytest.mark.parametrize("retries", [0, 2])
async def test_retries_do_not_multiply(ask: Any, status: int, headers: dict[str, str], retries: int) -> None:
    upstream = Upstream(lambda up: up.json({"error": {"message": "no"}}, status, headers))
    settings = {**FAST, "num_retries": retries}
    async with serving(upstream) as there, gateway([model(there, "m")], router_settings=settings) as here:
        await ask(here, stream=False)
        await ask(here, stream=True)
    assert len(upstream.bodies) == 2 * (1 + retries)


async def test_a_caller_may_come_back_where_a_wait_is_all_that_is_needed() -> None:
    upstream = Upstream(lambda up: up.json({"error": {"message": "no"}}, 429, {"retry-after": "3600"}))
    async with (
        serving(upstream) as there,
        gateway([model(there, "m")], router_settings={"num_retries": 2}) as here,
        openai.AsyncOpenAI(base_url=f"{here}/v1", api_key=KEY, max_retries=0) as sdk,
    ):
        for _ in range(2):
            with pytest.raises(openai.RateLimitError) as caught:
                await sdk.chat.completions.create(model="m", messages=HELLO)
            assert "x-should-retry" not in caught.value.response.headers
            assert int(caught.value.response.headers["retry-after"]) > 3000
