"""How the deployments are, as the gateway shows it: no keys, no addresses, and nobody is asked for it."""

from __future__ import annotations

import aiohttp

from tests.gateway.serving import KEY, PROVIDER_KEY, Upstream, gateway, model, serving

AUTH = {"authorization": f"Bearer {KEY}"}
ASKED = {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]}


async def test_state_and_cooldowns() -> None:
    async def limited(upstream: Upstream) -> None:
        await upstream.json({"error": {"message": "slowly"}}, 429, {"retry-after": "30"})

    good, bad = Upstream(), Upstream(limited)
    async with serving(good) as up, serving(bad) as down:
        models = [model(down, order=1, rpm=10), model(up, order=2, max_parallel_requests=3)]
        async with gateway(models) as url, aiohttp.ClientSession(url, headers=AUTH) as session:
            async with session.post("/v1/chat/completions", json=ASKED) as answer:
                assert answer.status == 200
            async with session.get("/v1/routing/state") as answer:
                text, state = await answer.text(), await answer.json()
            async with session.get("/cooldowns") as answer:
                listed = await answer.json()
            async with session.get("/cooldowns", headers={"authorization": "Bearer wrong"}) as answer:
                assert answer.status == 401
    assert (state["store"], state["store_error"]) == ("local", None)
    first, second = state["deployments"]["smart"]
    assert (first["state"], first["limits"]) == ("open", {"rpm": {"used": 1, "limit": 10}})
    assert (first["failures_in_a_row"], first["error_rate"], first["calls"]) == (1, 1.0, 1)
    assert 0 < first["cooldown"]["until"] - state["now"] <= 30
    assert (second["state"], second["cooldown"], second["error_rate"]) == ("closed", None, 0.0)
    assert second["limits"] == {"max_parallel_requests": {"used": 0, "limit": 3}}
    assert second["times"]["latency_p95"] > 0
    assert state["fallback_rates"]["smart"]["calls"] == 1
    assert listed["count"] == 1
    assert listed["cooldowns"][0] == first["cooldown"]
    assert listed["cooldowns"][0]["reason"] == "429 RateLimitError"
    assert not any(secret in text for secret in (PROVIDER_KEY, KEY, "127.0.0.1"))
    assert (len(good.bodies), len(bad.bodies)) == (1, 1)
