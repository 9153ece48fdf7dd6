"""What is known of the deployments without asking them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.gateway.serving import PROVIDER_KEY, Upstream, gateway, model, serving

CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(("status", "healthy"), [(400, None), (401, False), (429, False), (500, False)])
async def test_health_tells_what_calls_have_shown(
    client: aiohttp.ClientSession, status: int, healthy: bool | None
) -> None:
    good, bad = Upstream(), Upstream(lambda up: up.json({"error": {"message": "no"}}, status))
    async with serving(good) as first, serving(bad) as second:
        models = [model(first), model(second, "bad"), model(second, "never")]
        async with gateway(models, router_settings={"num_retries": 0}) as here:
            for _ in range(2):
                async with client.get(f"{here}/health") as reply:
                    before = await reply.json()
            assert before["unknown_count"] == 3
            assert good.bodies == bad.bodies == []
            for name in ("smart", "bad"):
                async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "model": name}):
                    pass
            async with client.get(f"{here}/health") as reply:
                text = await reply.text()
                after = await reply.json()
    assert names(after, "healthy_endpoints") == ["smart"]
    assert names(after, "unhealthy_endpoints") == (["bad"] if healthy is False else [])
    assert names(after, "unknown_endpoints") == (["never"] if healthy is False else ["bad", "never"])
    assert PROVIDER_KEY not in text


def names(report: dict[str, Any], group: str) -> list[str]:
    return [row["model_name"] for row in report[group]]
