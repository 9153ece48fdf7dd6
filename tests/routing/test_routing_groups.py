"""Models with a strategy of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.routing import CallRouter
from dragoman.routing.settings.table import router_settings
from dragoman.state import Counter, MemoryStore
from tests.routing.test_health import chat
from tests.routing.upstream import Upstream


async def test_each_group_has_its_strategy(upstream: Upstream, make: Callable[..., CallRouter]) -> None:
    settings = router_settings(
        {
            "routing_strategy": "least-busy",
            "routing_groups": [
                {"group_name": "used", "models": ["smart", "other"], "routing_strategy": "usage-based-routing-v2"},
                {
                    "group_name": "quick",
                    "models": "quick",
                    "routing_strategy": "latency-based-routing",
                    "routing_strategy_args": {"lowest_latency_buffer": 0.2},
                },
            ],
        }
    )
    aliases = ("smart", "other", "quick", "rest")
    deployments = [
        upstream.deployment(alias, "sim", number=number, order=0, rpm=10) for alias in aliases for number in range(2)
    ]
    store = MemoryStore()
    router = CallRouter(deployments, settings=settings, store=store)
    found = {alias: (await router.explain(chat(alias))).strategy for alias in aliases}
    assert found == {
        "smart": "usage-based-routing-v2",
        "other": "usage-based-routing-v2",
        "quick": "latency-based-routing",
        "rest": "least-busy",
    }
    assert set(store.view().used) == {
        Counter(f"{alias}:{number}:rpm", 60.0) for alias in ("smart", "other") for number in range(2)
    }
    await router.aclose()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, "routing_groups: expected a list of {group_name, models, routing_strategy}, got a mapping"),
        ([{"group_name": "a", "models": ["x"]}], "routing_groups[0].routing_strategy: missing"),
        (
            [{"group_name": "a", "models": ["x"], "routing_strategy": "lowest"}],
            "routing_groups[0].routing_strategy: unknown strategy",
        ),
        (
            [{"group_name": "a", "models": ["x"], "routing_strategy": "least-busy", "model_priorities": {}}],
            "routing_groups[0].model_priorities: unknown key",
        ),
        (
            [{"group_name": name, "models": ["x"], "routing_strategy": "least-busy"} for name in "ab"],
            "routing_groups[1].models: 'x' is in the group 'a' already",
        ),
    ],
)
def test_a_wrong_group_is_told(said: Any, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        router_settings({"routing_groups": said})
    assert caught.value.message.startswith(told)
