# ruff: noqa: SIM117 - servers outside, calls inside
"""What is told of models: to each SDK in its own shape, and under LiteLLM's names."""

from __future__ import annotations

import datetime
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from google import genai

from dragoman.models import Catalogue, abilities
from tests.gateway.serving import KEY, gateway

SECRETS = ("canary-key-5d1f", "canary-header-77a1", "canary-body-90bb", "canary-user-13cd", "canary-info-key-8e")
NOWHERE = "http://user:canary-user-13cd@127.0.0.1:1/v1?key=canary-key-5d1f"


def deployment(name: str, target: str, *, info: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    return {
        "model_name": name,
        "litellm_params": {"model": target, "api_key": SECRETS[0], **params},
        "model_info": info or {},
    }


MODELS = [
    deployment("smart", "openai/gpt-4o", timeout=30),
    deployment("smart", "anthropic/claude-sonnet-4-5"),
    deployment("sonnet", "anthropic/claude-sonnet-4-5"),
    deployment("flash", "gemini/gemini-2.5-flash"),
    deployment(
        "ours",
        "openai/our-own",
        api_base=NOWHERE,
        extra_headers={"x-secret": SECRETS[1]},
        extra_body={"secret": SECRETS[2]},
        input_cost_per_token=3e-06,
        output_cost_per_token="6e-6",
        info={
            "id": "ours-1",
            "max_input_tokens": 1000,
            "max_output_tokens": 100,
            "supports_vision": True,
            "team": "blue",
            "api_key": SECRETS[4],
        },
    ),
    deployment("riddle", "openai/nobody-knows-this"),
    deployment("any/*", "openai/*"),
]
ALIASES = {"router_settings": {"model_group_alias": {"gpt-4": "smart"}}}


def shipped(provider: str, model: str) -> Any:
    entry = Catalogue().find(provider, model)
    assert entry is not None
    return entry


async def asked(client: aiohttp.ClientSession, address: str) -> Any:
    async with client.get(address) as reply:
        assert reply.status == 200, await reply.text()
        text = await reply.text()
        assert not [secret for secret in SECRETS if secret in text]
        return await reply.json()


async def test_openais_client_reads_facts_and_prices() -> None:
    async with gateway(MODELS, **ALIASES) as here:
        async with openai.AsyncOpenAI(base_url=f"{here}/v1", api_key=KEY) as sdk:
            listed: dict[str, Any] = {item.id: item.model_dump() async for item in sdk.models.list()}
            one: Any = (await sdk.models.retrieve("ours")).model_dump()
            hidden: Any = (await sdk.models.retrieve("any/gpt-4o-mini")).model_dump()
    assert list(listed) == ["smart", "sonnet", "flash", "ours", "riddle", "gpt-4"]
    gpt, claude = shipped("openai", "gpt-4o"), shipped("anthropic", "claude-sonnet-4-5")
    both = listed["smart"]["dragoman"]
    assert both["context_window"] == min(gpt.context_window, claude.context_window)
    assert both["max_output_tokens"] == min(gpt.max_output_tokens, claude.max_output_tokens)
    assert both["abilities"]["vision"] is True
    assert both["abilities"]["reasoning"] is False  # gpt-4o cannot
    first, second = both["deployments"]
    assert [(one["deprecated"], one["deprecation_date"]) for one in (first, second)] == [
        (True, str(gpt.deprecation_date)),
        (True, str(claude.deprecation_date)),
    ]
    assert (first["provider"], second["provider"]) == ("openai", "anthropic")
    assert first["row"] == "openai/gpt-4o"
    assert first["prices"]["periods"][0]["rates"]["input"] == {"price": "2.5", "per": 1_000_000}
    assert first["prices"]["source"] == str(gpt.price_provenance)
    assert first["source"] == str(gpt.facts_provenance)
    assert listed["gpt-4"]["dragoman"] == both
    released = datetime.datetime.fromisoformat(gpt.released).replace(tzinfo=datetime.UTC)
    assert listed["smart"]["created"] == released.timestamp()
    [own] = one["dragoman"]["deployments"]
    assert own["prices"]["periods"][0]["rates"]["output"] == {"price": "6", "per": 1_000_000}
    assert own["prices"]["source"] == "config"
    assert one["dragoman"]["max_input_tokens"] == 1000
    assert one["dragoman"]["abilities"] == {"vision": True}
    unknown = listed["riddle"]["dragoman"]
    nothing: dict[str, Any] = {"abilities": {}, "ability_sources": {}, "prices": None}
    names = {"provider": "openai", "model": "nobody-knows-this", "row": None}
    assert unknown["deployments"] == [{**names, **nothing}]
    assert (unknown["context_window"], unknown["abilities"]) == (None, {})
    assert hidden["dragoman"]["deployments"][0]["model"] == "gpt-4o-mini"


async def test_anthropics_client_reads_its_own_fields() -> None:
    claude = shipped("anthropic", "claude-sonnet-4-5")
    async with gateway(MODELS) as here:
        async with anthropic.AsyncAnthropic(base_url=here, api_key=KEY) as sdk:
            listed = {item.id: item async for item in sdk.models.list()}
            one = await sdk.models.retrieve("sonnet")
    assert listed["sonnet"] == one
    assert (one.max_input_tokens, one.max_tokens) == (claude.context_window, claude.max_output_tokens)
    assert one.created_at.date().isoformat() == claude.released
    assert (one.display_name, one.lifecycle) == ("sonnet", "deprecated")
    assert (listed["riddle"].max_input_tokens, listed["riddle"].max_tokens) == (None, None)


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # Google's own
async def test_googles_client_reads_its_own_fields() -> None:
    flash = shipped("gemini", "gemini-2.5-flash")
    async with gateway(MODELS) as here:
        sdk = genai.Client(api_key=KEY, http_options={"base_url": here}).aio
        listed = {item.name: item async for item in await sdk.models.list()}
        one = await sdk.models.get(model="flash")
        await sdk.aclose()
    assert listed["models/flash"].model_dump() == one.model_dump()
    assert (one.input_token_limit, one.output_token_limit) == (flash.context_window, flash.max_output_tokens)
    assert one.thinking is True
    assert one.display_name == "flash"
    assert listed["models/riddle"].input_token_limit is None


@pytest.mark.parametrize("path", ["/model/info", "/v1/model/info"])
async def test_deployments_are_told_under_litellms_names(client: aiohttp.ClientSession, path: str) -> None:
    async with gateway(MODELS) as here:
        rows = (await asked(client, f"{here}{path}"))["data"]
        [ours] = (await asked(client, f"{here}{path}?litellm_model_id=ours-1"))["data"]
        async with client.get(f"{here}{path}?litellm_model_id=gone") as reply:
            assert reply.status == 404
    assert [row["model_name"] for row in rows] == [entry["model_name"] for entry in MODELS]
    assert ours in rows
    assert ours["litellm_params"] == {"model": "openai/our-own", "api_base": "http://127.0.0.1:1/v1"}
    info = ours["model_info"]
    assert (info["id"], info["team"], info["litellm_provider"]) == ("ours-1", "blue", "openai")
    assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (3e-06, 6e-06)
    assert (info["max_input_tokens"], info["max_output_tokens"], info["supports_vision"]) == (1000, 100, True)
    smart = rows[0]
    assert smart["litellm_params"] == {"model": "openai/gpt-4o", "timeout": 30}
    assert smart["model_info"]["input_cost_per_token"] == 2.5e-06
    assert smart["model_info"]["supports_function_calling"] is True
    assert smart["model_info"]["dragoman"]["prices"]["source"].startswith("genai-prices")
    assert rows[5]["model_info"]["dragoman"] == {"abilities": {}, "ability_sources": {}, "prices": None}


async def test_abilities_are_those_by_which_calls_are_routed(client: aiohttp.ClientSession) -> None:
    """The catalogue's, those of its family, and over both what the user says; also where the catalogue has no row."""
    models = [
        deployment("five", "openai/gpt-5"),
        deployment("five", "openai/gpt-5", info={"supports_vision": False}),
        deployment("tuned", "openai/gpt-4-turbo-2029"),
    ]
    async with gateway(models) as here:
        rows = (await asked(client, f"{here}/model/info"))["data"]
        listed = {row["id"]: row["dragoman"] for row in (await asked(client, f"{here}/v1/models"))["data"]}
        groups = {row["model_group"]: row for row in (await asked(client, f"{here}/model_group/info"))["data"]}
    assert shipped("openai", "gpt-5").abilities.get("temperature") is None
    expected = [
        abilities("openai", "gpt-5", shipped("openai", "gpt-5")).can,
        {**abilities("openai", "gpt-5", shipped("openai", "gpt-5")).can, "vision": False},
        abilities("openai", "gpt-4-turbo-2029").can,
    ]
    assert [row["model_info"]["dragoman"]["abilities"] for row in rows] == expected
    assert [each["abilities"] for each in listed["five"]["deployments"]] == expected[:2]
    assert listed["five"]["abilities"] == expected[1]
    assert listed["tuned"]["deployments"][0]["abilities"] == listed["tuned"]["abilities"] == expected[2]
    assert rows[0]["model_info"]["supports_temperature"] is groups["five"]["supports_temperature"] is False
    assert rows[1]["model_info"]["dragoman"]["ability_sources"]["vision"] == "config"
    assert rows[1]["model_info"]["dragoman"]["ability_sources"]["temperature"] == "Dragoman's table of model families"
    assert rows[2]["model_info"]["supports_temperature"] is True


async def test_names_are_told_with_what_all_their_deployments_can(client: aiohttp.ClientSession) -> None:
    async with gateway(MODELS, **ALIASES) as here:
        rows = {row["model_group"]: row for row in (await asked(client, f"{here}/model_group/info"))["data"]}
        [smart] = (await asked(client, f"{here}/model_group/info?model_group=smart"))["data"]
        async with client.get(f"{here}/model_group/info?model_group=gone") as reply:
            assert reply.status == 404
    assert list(rows) == ["smart", "sonnet", "flash", "ours", "riddle", "gpt-4"]
    assert smart == rows["smart"]
    assert smart["providers"] == ["openai", "anthropic"]
    assert (smart["mode"], smart["supports_vision"], smart["supports_reasoning"]) == ("chat", True, False)
    assert smart["input_cost_per_token"] == 3e-06  # Claude's: the higher one
    assert smart["output_cost_per_token"] == 1.5e-05
    assert {"tools", "temperature"} <= set(smart["supported_openai_params"])
    assert rows["riddle"]["input_cost_per_token"] is None


@pytest.mark.parametrize(
    "path", ["/model/info", "/v1/model/info", "/model_group/info", "/v1/models", "/v1/models/ours"]
)
async def test_they_are_for_callers_with_a_key(stranger: aiohttp.ClientSession, path: str) -> None:
    async with gateway(MODELS) as here:
        async with stranger.get(f"{here}{path}") as reply:
            assert reply.status == 401
