"""The gateway lets go of a call that failed at once, and of its request's body: nothing waits for the garbage collector."""

from __future__ import annotations

import aiohttp
import pytest

from tests.garbage import nothing_stays
from tests.gateway.serving import KEY, gateway, model
from tests.gateway.test_attempt_headers import ASKS
from tests.upstreams.faulty import faulty


@pytest.mark.parametrize(
    "fault", ["", "500", "refused", "malformed", "error first", "cut before content", "cut in text"]
)
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("ask", ASKS)
async def test_nothing_of_a_call_stays(ask: str, provider: str, fault: str) -> None:
    path, body = ASKS[ask]
    async with (
        faulty(fault, provider) as upstream,
        gateway([model(upstream.base, provider=provider)], router_settings={"num_retries": 0}) as url,
        aiohttp.ClientSession() as session,
    ):

        async def once() -> None:
            async with session.post(url + path, json=body, headers={"authorization": f"Bearer {KEY}"}) as reply:
                await reply.read()

        await nothing_stays(once)
