"""The list and the settings of a `Router` change while calls go on: whole or not at all, and nobody under way sees it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

import dragoman
from dragoman.types.router import Deployment, LiteLLM_Params, ModelInfo
from tests.routing.upstream import Upstream, soon

HELLO = [{"role": "user", "content": "Hello"}]


def entry(alias: str, upstream: Upstream, model: str = "sim", **more: Any) -> dict[str, Any]:
    info = {"id": more.pop("id")} if "id" in more else {}
    params = {"model": f"openai/{model}", "api_key": "sk-a-secret", "api_base": upstream.base("openai"), **more}
    return {"model_name": alias, "litellm_params": params, **({"model_info": info} if info else {})}


def asked(response: Any) -> str:
    """The deployment that answered."""
    return str(response._hidden_params["attempts"][-1].deployment)


async def test_the_list_is_read_and_changed_by_litellms_names(upstream: Upstream) -> None:
    router = dragoman.Router([entry("smart", upstream, id="first", rpm=9), entry("smart", upstream)])
    assert router.get_model_ids() == router.get_model_ids("smart") == ["first", "smart:1"]
    assert (router.has_model_id("first"), router.has_model_id("second")) == (True, False)
    found = router.get_deployment("first")
    assert found is not None
    assert (found.model_name, found.litellm_params.model, found["litellm_params"]["rpm"]) == ("smart", "openai/sim", 9)
    assert found.model_info.id == "first"
    assert router.get_deployment_by_model_group_name("smart") == found
    assert router.get_model_info("first") == router.get_model_list()[0] == router.model_list[0]
    assert (router.get_deployment("x"), router.get_model_info("x")) == (None, None)
    assert router.get_deployment_by_model_group_name("openai/gpt-4o") is None

    added = router.add_deployment(entry("cheap", upstream, id="third"))
    assert added == router.get_deployment("third")
    assert router.add_deployment(entry("other", upstream, id="third")) is None
    assert router.get_model_names() == ["smart", "cheap"]
    assert asked(await router.acompletion("cheap", HELLO)) == "third"
    changed = router.upsert_deployment(entry("renamed", upstream, id="third"))
    assert changed is not None
    assert router.get_model_names() == ["smart", "renamed"]
    assert router.upsert_deployment(entry("renamed", upstream)) is not None
    gone = router.delete_deployment("first")
    assert gone == found
    assert router.delete_deployment("first") is None
    assert router.get_model_ids() == ["smart:1", "third", "renamed:1"]
    assert "sk-a-secret" not in f"{router.get_model_list()}{added}{changed}{gone}"
    await router.aclose()


async def test_a_deployment_may_be_an_object(upstream: Upstream) -> None:
    params = LiteLLM_Params(model="openai/sim", api_key="sk-x", api_base=upstream.base("openai"), rpm=3)
    router = dragoman.Router([])
    added = router.add_deployment(
        Deployment(model_name="smart", litellm_params=params, model_info=ModelInfo(id="mine"))
    )
    assert added is not None
    assert added.litellm_params.rpm == 3
    assert asked(await router.acompletion("smart", HELLO)) == "mine"
    await router.aclose()


async def test_a_call_under_way_ends_by_what_it_began_with(upstream: Upstream) -> None:
    """Its deployment goes while it is tried, and so does its fallback."""
    slow = entry("smart", upstream, "sim[latency=0.3;error=500]", id="slow", num_retries=0)
    router = dragoman.Router([slow, entry("spare", upstream, id="spare")], fallbacks=[{"smart": ["spare"]}])
    call = asyncio.create_task(router.acompletion("smart", HELLO))
    await soon(lambda: upstream.calls)
    router.update_settings(fallbacks=None)
    router.set_model_list([entry("new", upstream, id="new")])
    response = await call
    assert [item.deployment for item in response._hidden_params["attempts"]] == ["slow", "spare"]
    with pytest.raises(dragoman.APIError):
        await router.acompletion("smart", HELLO)
    assert asked(await router.acompletion("new", HELLO)) == "new"
    await router.aclose()


async def test_changes_among_many_calls_lose_none(upstream: Upstream) -> None:
    router = dragoman.Router([entry("smart", upstream, id="stays")], num_retries=0)
    answered: list[str] = []

    async def calls() -> None:
        for _ in range(30):
            answered.append(asked(await router.acompletion("smart", HELLO)))

    running = asyncio.gather(*(calls() for _ in range(4)))
    turns = 0
    while not running.done():
        router.add_deployment(entry("smart", upstream, id=f"goes-{turns}"))
        await asyncio.sleep(0.005)
        router.delete_deployment(f"goes-{turns}")
        turns += 1
    await running
    assert len(answered) == 120
    assert {"stays"} < set(answered)
    assert dict(router._core.store.view().in_flight) == {}
    await router.aclose()


async def test_what_is_known_of_those_that_stay_is_kept(upstream: Upstream) -> None:
    """A cooldown, a used limit and times; a deployment that asks somebody else now begins anew."""
    bad = entry("smart", upstream, "sim[error=500]", allowed_fails=0, cooldown_time=60)
    good = entry("smart", upstream, rpm=100, order=1)
    router = dragoman.Router([bad, good], num_retries=1)
    assert asked(await router.acompletion("smart", HELLO)) == "smart:1"

    async def states() -> dict[str, Any]:
        return {item.id: item for item in (await router.astate()).deployments["smart"]}

    before = await states()
    assert before["smart:0"].state == "open"
    router.set_model_list([entry("more", upstream), good, bad])
    after = await states()
    assert after["smart:0"].cooldown == before["smart:0"].cooldown
    assert after["smart:1"].limits == {"rpm": {"used": 1, "limit": 100}}
    assert after["smart:1"].times == before["smart:1"].times
    assert [item.deployment for item in router.cooldowns()] == ["smart:0"]
    router.upsert_deployment(entry("smart", upstream, id="smart:0"))
    assert ((await states())["smart:0"].state, router.cooldowns()) == ("closed", ())
    await router.aclose()


async def test_an_id_is_given_once(upstream: Upstream) -> None:
    """Nobody gets the cooldown of one that is gone."""
    router = dragoman.Router([entry("smart", upstream), entry("smart", upstream, "sim[error=500]")])
    assert router.get_model_ids() == ["smart:0", "smart:1"]
    router.delete_deployment("smart:1")
    router.add_deployment(entry("smart", upstream))
    assert router.get_model_ids() == ["smart:0", "smart:2"]
    router.set_model_list([entry("smart", upstream), entry("smart", upstream), entry("smart", upstream)])
    assert router.get_model_ids()[:2] == ["smart:0", "smart:2"]
    assert len({*router.get_model_ids(), "smart:1"}) == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda it, up: it.add_deployment({"model_name": "x"}), "deployment.litellm_params.model: expected a model"),
        (lambda it, up: it.add_deployment(entry("x", up, rpm="many")), "deployment.litellm_params.rpm: expected"),
        (lambda it, up: it.upsert_deployment(entry("x", up, weight=-1)), "deployment.litellm_params.weight: expected"),
        (lambda it, up: it.set_model_list([entry("x", up), entry("y", up, modell=1, order="1")]), "model_list[1]."),
        (
            lambda it, up: it.set_model_list([entry("x", up, id="a"), entry("y", up, id="a")]),
            "model_list[1].model_info.id",
        ),
        (lambda it, up: it.delete_deployment("spare:0"), "fallbacks.smart: 'spare' is not in model_list"),
        (lambda it, up: it.add_deployment(entry("x", up, silent_model="smrt")), "x:0.silent_model: "),
        (lambda it, up: it.update_settings(num_retries=-1), "num_retries: expected"),
        (lambda it, up: it.update_settings(fallbacks=[{"smart": ["smrt"]}]), "fallbacks.smart: 'smrt' is not"),
        (lambda it, up: it.update_settings(cooldown_tme=1), "Router: no argument 'cooldown_tme'"),
        (lambda it, up: it.update_settings(redis_host="here"), "redis_host: cannot be changed while the router runs"),
        (lambda it, up: it.update_settings(mirror=[]), "mirror: cannot be changed while the router runs"),
    ],
)
async def test_a_bad_change_changes_nothing(upstream: Upstream, change: Any, told: str) -> None:
    router = dragoman.Router(
        [entry("smart", upstream), entry("spare", upstream)], fallbacks=[{"smart": ["spare"]}], num_retries=1
    )
    before = (router.get_model_list(), router.settings, router.get_settings(), router._core.current_plan)
    with pytest.raises(dragoman.ConfigError) as caught:
        change(router, upstream)
    assert caught.value.message.startswith(told), caught.value.message
    assert (router.get_model_list(), router.settings, router.get_settings(), router._core.current_plan) == before
    assert asked(await router.acompletion("smart", HELLO)) == "smart:0"
    await router.aclose()


async def test_settings_are_read_and_changed(upstream: Upstream) -> None:
    router = dragoman.Router([entry("smart", upstream, "sim[error=500]", id="bad")], num_retries=3, cooldown_time=7)
    shown = router.get_settings()
    assert (shown["num_retries"], shown["cooldown_time"], shown["routing_strategy"]) == (3, 7, "simple-shuffle")
    assert (shown["timeout"], shown["fallbacks"], shown["retry_after"]) == (600.0, {}, 0.0)
    router.add_deployment(entry("spare", upstream, id="spare"))
    router.update_settings(
        num_retries=0, fallbacks=[{"smart": ["spare"]}], routing_strategy="least-busy", allowed_fails=0
    )
    assert router.settings.health.cooldown == 7
    response = await router.acompletion("smart", HELLO)
    assert [item.deployment for item in response._hidden_params["attempts"]] == ["bad", "spare"]
    assert router.explain("smart", HELLO).strategy == "least-busy"
    shown = router.get_settings()
    assert (shown["num_retries"], shown["cooldown_time"], shown["routing_strategy"]) == (0, 7, "least-busy")
    router.update_settings(num_retries=None)
    assert router.settings.num_retries == 2
    await router.aclose()


async def test_what_it_would_ask_now(upstream: Upstream) -> None:
    router = dragoman.Router(
        [entry("smart", upstream, id="first", rpm=1), entry("smart", upstream, id="second", order=1, tags=["eu"])],
        enable_tag_filtering=True,
        num_retries=0,
    )
    plain = await router.async_get_available_deployment("smart", messages=HELLO)
    assert (plain.model_info.id, plain.litellm_params.model) == ("first", "openai/sim")
    tagged = await router.async_get_available_deployment("smart", {"metadata": {"tags": ["eu"]}})
    assert tagged.model_info.id == "second"
    assert (await router.async_get_available_deployment("smart", input="Hello")).model_info.id == "first"
    assert upstream.calls == []
    router.set_model_list([entry("smart", upstream, id="none", rpm=0)])
    with pytest.raises(dragoman.RateLimitError, match="none:rpm is at its limit"):
        await router.async_get_available_deployment("smart", messages=HELLO)
    await router.aclose()


def test_what_it_would_ask_now_without_a_loop(upstream: Upstream) -> None:
    router = dragoman.Router([entry("smart", upstream)])
    assert router.get_available_deployment("smart", messages=HELLO).model_info.id == "smart:0"
    router.close()


def test_what_holds_for_a_group() -> None:
    both: list[dict[str, Any]] = [
        {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "tpm": 1000, "rpm": 5}},
        {"model_name": "smart", "litellm_params": {"model": "anthropic/claude-sonnet-4-5", "tpm": 500}},
    ]
    router = dragoman.Router(both, model_group_alias={"gpt-4": "smart"})
    found = router.get_model_group_info("smart")
    assert found is not None
    assert (found.model_group, found.providers, found.mode) == ("smart", ["openai", "anthropic"], "chat")
    assert (found.tpm, found.rpm, found.supports_vision) == (1500, None, True)
    first, second = (dragoman.get_model_info(item["litellm_params"]["model"]) for item in both)
    assert found.max_output_tokens == min(first["max_output_tokens"], second["max_output_tokens"])
    assert found.input_cost_per_token == max(first["input_cost_per_token"], second["input_cost_per_token"])
    assert "temperature" in (found.supported_openai_params or ())
    other = router.get_model_group_info("gpt-4")
    assert other is not None
    assert other.providers == found.providers
    assert router.get_model_group_info("nobody") is None


def test_what_has_no_effect_is_named_when_it_comes(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    router = dragoman.Router([entry("smart", upstream)])
    with caplog.at_level(logging.WARNING, "dragoman"):
        router.add_deployment(entry("smart", upstream, max_budget=1))
        router.add_deployment(entry("smart", upstream))
        router.update_settings(cache_responses=True)
    assert [record.getMessage() for record in caplog.records] == [
        "Router: known and without effect yet: max_budget",
        "Router: known and without effect yet: cache_responses",
    ]
