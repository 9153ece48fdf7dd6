"""Whose prices count: the catalogue's, the configuration's, or those that come with a call."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman import errors
from dragoman.models import Catalogue
from dragoman.providers import Providers
from dragoman.routing import CallOptions, Deployment
from tests.routing.test_costs import DOLLAR, costs_of, entry, mocked
from tests.routing.test_router import Make, chat
from tests.routing.upstream import Upstream


def deployed(model: str, provider: str = "openai", *, alias: str = "smart", **more: Any) -> Deployment:
    record = Providers().find(provider)
    options = CallOptions(**more.pop("options", {}))
    return Deployment(id=f"{alias}:0", alias=alias, provider=record, model=model, options=options, **more)


async def test_a_changed_catalogue_counts_from_the_next_call_on(upstream: Upstream, make: Make) -> None:
    catalogue = Catalogue()
    own = upstream.deployment("own", "sim-1", options={"prices": DOLLAR})
    router = make(
        upstream.deployment("smart", "sim-1"), upstream.deployment("wild/*", "sim-*"), own, catalogue=catalogue
    )
    models = ("smart", "wild/1", "openai/sim-1", "own")

    async def totals() -> list[int | None]:
        return [(await costs_of(router, mocked(model))).total for model in models]

    assert await totals() == [None, None, None, 50_000]
    for price in (1_000_000, 2_000_000):
        catalogue.add(entry("openai", "sim-1", output=price))
        assert await totals() == [price // 50_000] * 3 + [50_000]
    assert [item.entry.name for item in router.deployments if item.entry] == ["openai/sim-1", "openai/sim-1"]
    catalogue.remove("openai", "sim-1")
    assert await totals() == [None, None, None, 50_000]


async def test_an_own_price_counts_over_the_catalogues_and_the_rest_of_it_stays(make: Make, upstream: Upstream) -> None:
    catalogue = Catalogue()
    catalogue.add(entry("openai", "sim-1", input=1_000_000_000, output=1_000_000_000))
    deployment = upstream.deployment("smart", "sim-1", options={"prices": {"output_cost_per_token": 5e-6}})
    router = make(deployment, catalogue=catalogue)
    cost = await costs_of(router, mocked())
    assert cost.total == 10 * 1000 + 20 * 5000
    assert cost.source.startswith("config")
    catalogue.add(entry("openai", "sim-1", input=3_000_000_000, output=1_000_000_000))
    assert (await costs_of(router, mocked())).total == 10 * 3000 + 20 * 5000


@pytest.mark.parametrize(
    "described",
    [
        {"options": {"base_model": "openai/gpt-4o"}},
        {"options": {"base_model": "gpt-4o"}},
        {"model_info": {"base_model": "openai/gpt-4o"}},
        {"model_info": {"base_model": "gpt-4o", "id": "first", "cost_center": 12}},
    ],
    ids=str,
)
@pytest.mark.parametrize("provider", ["openai", "groq"])
async def test_a_base_model_says_what_an_unknown_name_costs(make: Make, described: Any, provider: str) -> None:
    deployment = deployed("my-deployment", provider, **described)
    assert (await costs_of(make(deployment), mocked())).total == 10 * 2500 + 20 * 10000
    (known,) = make(deployment).deployments
    assert known.entry is not None
    assert known.entry.context_window or known.entry.max_input_tokens


async def test_an_unknown_base_model_is_unpriced(make: Make) -> None:
    deployment = deployed("gpt-4o", "openai", options={"base_model": "openai/no-such-model"})
    assert (await costs_of(make(deployment), mocked())).total is None


async def test_prices_that_come_with_a_call_count_for_what_it_asks_and_not_for_its_fallbacks(
    upstream: Upstream, make: Make
) -> None:
    failing, well = upstream.deployment("bad", "sim[error=400]"), upstream.deployment("well", "sim")
    router = make(failing, well, settings={"num_retries": 0})
    assert (await costs_of(router, mocked("well", prices=DOLLAR))).total == 50_000
    assert (await costs_of(router, mocked("openai/any", base_model="gpt-4o"))).total == 10 * 2500 + 20 * 10000
    broken = upstream.deployment("broken", "sim[error=500]")
    router = make(broken, well, settings={"num_retries": 0})
    fallen = await router.answer(chat("broken", prices=DOLLAR, fallbacks=("well",)))
    assert fallen.cost is not None
    assert fallen.cost.total is None
    own = {"model": "well", "input_cost_per_token": 3e-6, "output_cost_per_token": 0}
    fallen = await router.answer(chat("broken", prices=DOLLAR, fallbacks=(own,)))
    assert fallen.cost is not None
    assert fallen.usage is not None
    assert fallen.cost.total == fallen.usage["prompt_tokens"] * 3000
    assert not {name for name in upstream.last["body"] if "cost" in name}


@pytest.mark.parametrize("where", ["call", "fallback"])
@pytest.mark.parametrize(("name", "price"), [("input_cost_per_token", "cheap"), ("input_cost_per_tokn", 1e-6)])
async def test_a_wrong_price_is_told_before_anybody_is_asked(
    upstream: Upstream, make: Make, where: str, name: str, price: Any
) -> None:
    router = make(upstream.deployment("smart", "sim"))
    wrong = {name: price}
    options = {"prices": wrong} if where == "call" else {"fallbacks": ({"model": "openai/other", **wrong},)}
    with pytest.raises(errors.BadRequestError) as caught:
        await router.answer(chat("smart", **options))
    assert str(caught.value.param).endswith(name)
    assert upstream.calls == []


@pytest.mark.parametrize("name", ["input_cost_per_token", "base_model"])
async def test_a_remote_caller_says_no_prices(upstream: Upstream, make: Make, name: str) -> None:
    router = make(upstream.deployment("smart", "sim"), allow_unlisted=False)
    with pytest.raises(errors.BadRequestError) as caught:
        await router.answer(chat("smart", fallbacks=({"model": "smart", name: "0"},)))
    assert caught.value.param == f"fallbacks.{name}"


async def test_models_without_a_price_can_be_blocked(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("unknown", "sim"),
        upstream.deployment("mixed", "sim"),
        upstream.deployment("mixed", "sim-priced", number=1, options={"prices": DOLLAR}),
        upstream.deployment("broken", "sim[error=500]", options={"prices": DOLLAR}),
        settings={"block_requests_for_models_without_pricing": True, "num_retries": 0},
    )
    for model in ("unknown", "openai/sim"):
        with pytest.raises(errors.BadRequestError) as caught:
            await router.answer(chat(model))
        assert caught.value.status_code == 400
        assert (caught.value.param, caught.value.code) == ("model", "model_without_pricing")
        assert model in caught.value.message
        assert "input_cost_per_token" in caught.value.message
    assert upstream.calls == []
    assert (await router.answer(chat("mixed"))).model == "sim-priced"
    assert (await costs_of(router, mocked("unknown", prices=DOLLAR))).total == 50_000
    with pytest.raises(errors.InternalServerError):
        await router.answer(chat("broken", fallbacks=("unknown",)))
    assert [call.model for call in upstream.calls].count("sim") == 0


async def test_a_price_that_lost_its_row_does_not_fail_the_calls(make: Make) -> None:
    """Many prices only make sense over a row: where it goes, the calls go on."""
    catalogue = Catalogue()
    catalogue.add(entry("openai", "sim-1", input=1_000_000_000, output=1_000_000_000))
    above = {"input_cost_per_token_above_200k_tokens": 2e-6}
    router = make(deployed("sim-1", options={"prices": above}), catalogue=catalogue)
    assert (await costs_of(router, mocked())).total == 30_000
    catalogue.remove("openai", "sim-1")
    assert (await costs_of(router, mocked())).total == 30_000
