# ruff: noqa: SIM117 - servers outside, calls inside
"""What a gateway's configuration and a caller say of where a call goes."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from dragoman.gateway.http.caller_facts import with_caller_facts
from dragoman.routing import NO_OPTIONS, CallOptions
from tests.gateway.serving import Upstream, gateway, model, serving

CHAT: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}


async def asked(client: aiohttp.ClientSession, here: str, headers: dict[str, str] | None = None, **more: Any) -> int:
    async with client.post(f"{here}/v1/chat/completions", json={**CHAT, **more}, headers=headers or {}) as reply:
        return reply.status


async def test_tags_decide_from_the_body_the_metadata_and_a_header(client: aiohttp.ClientSession) -> None:
    free, paid, other = Upstream(), Upstream(), Upstream()
    settings = {"enable_tag_filtering": True}
    async with serving(free) as a, serving(paid) as b, serving(other) as c:
        models = [model(a, tags=["free"]), model(b, tags=["paid"]), model(c, tags=["default"])]
        models[2]["litellm_params"]["tag_regex"] = ["^User-Agent: robot/"]
        async with gateway(models, router_settings=settings) as here:
            assert await asked(client, here, tags=["paid"]) == 200
            assert await asked(client, here, metadata={"tags": ["paid"]}) == 200
            assert await asked(client, here, {"x-litellm-tags": "x, paid"}) == 200
            assert await asked(client, here) == 200
            assert await asked(client, here, {"user-agent": "robot/1"}, tags=["&gold"]) == 403
            assert await asked(client, here, {"user-agent": "robot/1"}) == 200
    assert (len(free.bodies), len(paid.bodies), len(other.bodies)) == (0, 3, 2)


async def test_a_session_stays_and_a_route_leads_away(client: aiohttp.ClientSession) -> None:
    one, two, big = Upstream(), Upstream(), Upstream()
    settings = {
        "optional_pre_call_checks": ["session_affinity"],
        "deployment_affinity_ttl_seconds": 60,
        "routing_strategy": "latency-based-routing",
        "routing_strategy_args": {"lowest_latency_buffer": 0.2},
        "routes": [{"if": {"model": "smart", "metadata.plan": "pro"}, "use": "big"}],
    }
    async with serving(one) as a, serving(two) as b, serving(big) as c:
        async with gateway([model(a), model(b), model(c, "big")], router_settings=settings) as here:
            for _ in range(4):
                assert await asked(client, here, {"x-litellm-session-id": "s-1"}) == 200
                assert await asked(client, here, litellm_session_id="s-1", priority=-1) == 200
            assert await asked(client, here, metadata={"plan": "pro"}) == 200
    assert sorted((len(one.bodies), len(two.bodies))) == [0, 8]
    assert not any("priority" in body or "litellm_session_id" in body for body in (*one.bodies, *two.bodies))
    assert len(big.bodies) == 1


@pytest.mark.parametrize(
    ("said", "headers", "expected"),
    [
        (None, {}, {}),
        ("text", {"user-agent": "x/1"}, {"user_agent": "x/1"}),
        ({"plan": "pro", "user_api_key_team_id": "stolen"}, {}, {"plan": "pro"}),
        ({"session_id": "a"}, {"x-dragoman-session-id": "b", "x-litellm-session-id": "c"}, {"session_id": "b"}),
        ({}, {"x-dragoman-tags": " a ,,b"}, {"tags": ["a", "b"]}),
    ],
)
def test_what_a_caller_says(said: Any, headers: dict[str, str], expected: dict[str, Any]) -> None:
    assert with_caller_facts(NO_OPTIONS, said, headers, with_user_agent=True).metadata == expected
    own = CallOptions(num_retries=1, metadata={"tags": ["mine"]})
    read = with_caller_facts(own, said, headers)
    assert (read.num_retries, read.metadata["tags"]) == (1, ["mine"])
