"""What a call cost, on the results that the SDK hands out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import dragoman
from dragoman import BadRequestError, Cost, Router
from dragoman.models import Catalogue
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.types.model_entry import ModelEntry, PricePeriod, Rate
from tests.recordings import Recording, recordings
from tests.routing.recorded import Replayer, raw_answer, running_replayer
from tests.routing.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello"}]
PRICES: dict[str, Any] = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
MODEL = "openai/sim"


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    with running_replayer() as running:
        yield running


@pytest.fixture(autouse=True)
def _keys(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("openai", "anthropic", "gemini"):
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", "sk-" + "secret" * 4)
        monkeypatch.setenv(f"{provider.upper()}_API_BASE", upstream.base(provider))


def of(usage: Any) -> int:
    """Nano-dollars at `PRICES`."""
    return int(usage.prompt_tokens * 1000 + (usage.get("completion_tokens") or 0) * 2000)


def told(result: Any) -> tuple[float | None, Cost | None]:
    return result._hidden_params["response_cost"], result._hidden_params["cost"]


async def test_each_result_tells_its_cost() -> None:
    results: list[Any] = [
        dragoman.completion(MODEL, HELLO, **PRICES),
        await dragoman.acompletion(MODEL, HELLO, **PRICES),
        dragoman.text_completion(MODEL, "Hello", **PRICES),
        await dragoman.atext_completion("anthropic/sim", "Hello", max_tokens=9, **PRICES),
        dragoman.embedding(MODEL, ["Hello", "you"], **PRICES),
        await dragoman.aembedding("gemini/sim", "Hello", **PRICES),
    ]
    for result in results:
        amount, cost = told(result)
        assert cost is not None
        assert cost.total == of(result.usage) > 0
        assert amount == cost.total / 1e9
        assert cost.source == "call"


async def test_an_unpriced_answer_says_so_and_a_count_is_free() -> None:
    amount, cost = told(dragoman.completion(MODEL, HELLO))
    assert amount is None
    assert isinstance(cost, Cost)
    assert cost.total is None
    assert told(await dragoman.acount_tokens(MODEL, HELLO))[0] == 0.0


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
async def test_a_stream_tells_its_cost_when_it_has_ended(provider: str, include: bool) -> None:
    options: dict[str, Any] = {**PRICES, "stream_options": {"include_usage": include}}
    plain = dragoman.completion(f"{provider}/sim", HELLO, stream=True, **options)
    chunks = list(plain)
    streamed = await dragoman.acompletion(f"{provider}/sim", HELLO, stream=True, **options)
    for stream, items in ((plain, chunks), (streamed, [chunk async for chunk in streamed])):
        amount, cost = told(stream)
        assert cost is not None
        assert cost.total == of(stream.usage) > 0
        assert amount == cost.total / 1e9
        assert told(items[-1]) == (amount, cost)


def test_the_usage_chunk_has_the_cost_already() -> None:
    stream = dragoman.completion(MODEL, HELLO, stream=True, stream_options={"include_usage": True}, **PRICES)
    for chunk in stream:
        if chunk.usage is not None:
            assert told(chunk)[0] == of(chunk.usage) / 1e9
            return
    raise AssertionError("the usage was asked for")


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("text", [False, True])
def test_a_rebuilt_stream_keeps_usage_and_cost(include: bool, text: bool) -> None:
    options: dict[str, Any] = {**PRICES, "stream": True, "stream_options": {"include_usage": include}}
    ask: Any = dragoman.text_completion if text else dragoman.completion
    stream = ask(MODEL, "Hello" if text else HELLO, **options)
    rebuilt: Any = dragoman.stream_chunk_builder(list(stream))
    assert rebuilt.usage == stream.usage
    assert told(rebuilt) == told(stream)
    assert dragoman.completion_cost(completion_response=rebuilt) == of(stream.usage) / 1e9


async def test_a_stream_that_is_left_costs_what_is_known() -> None:
    plain = dragoman.completion("openai/sim[stall=6]", HELLO, stream=True, **PRICES)
    next(plain)
    plain.close()
    stream = await dragoman.acompletion("openai/sim[stall=6]", HELLO, stream=True, **PRICES)
    await anext(stream)
    await stream.aclose()
    assert told(plain) == told(stream) == (None, None)


def reports_a_cost(recording: Recording) -> bool:
    usage = raw_answer(recording).get("usage") or {}
    return "cost" in usage and usage.get("completion_tokens") != 0 and b'"error"' not in recording.response_bytes


@pytest.mark.parametrize("recording", recordings(("openrouter", "chat"), where=reports_a_cost))
def test_what_the_provider_reports_stays_beside_our_cost(replayer: Replayer, recording: Recording) -> None:
    if recording.stream:
        stream = dragoman.completion(
            f"openrouter/{recording.model}", HELLO, api_base=replayer.base(recording), api_key="sk-x", stream=True
        )
        result: Any = dragoman.stream_chunk_builder(list(stream))
    else:
        result = dragoman.completion(
            f"openrouter/{recording.model}", HELLO, api_base=replayer.base(recording), api_key="sk-x"
        )
    said = raw_answer(recording)["usage"]
    assert result.usage.cost == said["cost"]
    cost = told(result)[1]
    assert cost is not None
    if not said.get("is_byok"):
        assert cost.reported == round(said["cost"] * 1e9)


def test_prices_of_a_call_stay_here(upstream: Upstream) -> None:
    more: dict[str, Any] = {"cache_read_input_token_cost": "1e-7", "search_context_cost_per_query": {}}
    dragoman.completion(MODEL, HELLO, base_model="gpt-4o", **PRICES, **more)
    assert set(upstream.last["body"]) == {"model", "messages"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("input_cost_per_token", "cheap"), ("output_cost_per_token", -1), ("output_cost_per_tokn", 1), ("base_model", 3)],
)
def test_a_wrong_price_is_refused(upstream: Upstream, name: str, value: Any) -> None:
    wrong: dict[str, Any] = {name: value}
    for options in (wrong, {"fallbacks": [{"model": "openai/other", **wrong}]}):
        with pytest.raises(BadRequestError, match=name):
            dragoman.completion(MODEL, HELLO, **options)
    assert upstream.calls == []


def test_a_routers_own_prices_count(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    catalogue = Catalogue()
    catalogue.add(ModelEntry(provider="openai", model="row", prices=(PricePeriod({"output": Rate(1_000_000_000)}),)))
    listed: list[dict[str, Any]] = [
        {"model_name": "own", "litellm_params": {"model": MODEL, **PRICES}},
        {"model_name": "base", "litellm_params": {"model": MODEL}, "model_info": {"base_model": "openai/row"}},
        {"model_name": "none", "litellm_params": {"model": MODEL}},
    ]
    with caplog.at_level(logging.WARNING, "dragoman"):
        router = Router(listed, catalogue=catalogue, block_requests_for_models_without_pricing=True)
    assert caplog.records == []
    response = router.completion("own", HELLO)
    assert told(response)[0] == of(response.usage) / 1e9
    assert not {name for name in upstream.last["body"] if "cost" in name}
    response = router.completion("base", HELLO)
    assert told(response)[0] == response.usage.completion_tokens / 1e6  # type: ignore[union-attr]
    asked = len(upstream.calls)
    with pytest.raises(BadRequestError) as caught:
        router.completion("none", HELLO)
    assert "block" in caught.value.message
    assert "'none'" in caught.value.message
    assert len(upstream.calls) == asked
    router.close()


def test_a_registered_model_has_its_price_at_once() -> None:
    router = Router([{"model_name": "smart", "litellm_params": {"model": MODEL}}])
    try:
        assert told(router.completion("smart", HELLO))[0] is None
        dragoman.register_model({MODEL: PRICES})
        response = router.completion("smart", HELLO)
        assert told(response)[0] == of(response.usage) / 1e9 == told(dragoman.completion(MODEL, HELLO))[0]
    finally:
        CATALOGUE.remove("openai", "sim")
        router.close()
