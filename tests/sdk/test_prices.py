"""What a call cost, under our names and LiteLLM's: the documented calls, held against genai-prices."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import genai_prices.data
import openai.types.chat
import pytest
from genai_prices.types import Usage as OracleUsage

import dragoman as litellm
from dragoman.models import rates_at
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.types.cost import NANO_DOLLARS, Cost
from tests.routing.upstream import Upstream

HELLO = [{"role": "user", "content": "Hey, how's it going?"}]
USAGE = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@pytest.fixture(autouse=True)
def _nothing_registered_stays() -> Iterator[None]:
    before = {entry.name for entry in CATALOGUE.entries("openai")}
    yield
    for name in ("gpt-4", "gpt-test", "my-model"):
        CATALOGUE.remove("openai", name)
    assert {entry.name for entry in CATALOGUE.entries("openai")} == before


@pytest.fixture
def _keys(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in ("openai", "anthropic", "gemini"):
        monkeypatch.setenv(f"{provider.upper()}_API_KEY", "sk-" + "secret" * 4)
        monkeypatch.setenv(f"{provider.upper()}_API_BASE", upstream.base(provider))


def mocked() -> litellm.ModelResponse:
    return litellm.completion(model="gpt-3.5-turbo", messages=HELLO, mock_response="Hello world")


# ── LiteLLM's documentation ──────────────────────────────────────────────────────────────────────────────────────────
def test_the_cost_of_a_response() -> None:
    response = mocked()
    found = litellm.completion_cost(completion_response=response)
    assert f"${float(found):.10f}" == "$0.0000350000"
    assert response._hidden_params["response_cost"] == found


def test_the_cost_of_texts() -> None:
    found = litellm.completion_cost(model="anthropic/claude-sonnet-4-5", prompt="Hey!", completion="How's it going?")
    tokens_in = litellm.token_counter("anthropic/claude-sonnet-4-5", text="Hey!")
    tokens_out = litellm.token_counter("anthropic/claude-sonnet-4-5", text="How's it going?")
    assert found == (tokens_in * 3000 + tokens_out * 15000) / NANO_DOLLARS
    chat = litellm.completion_cost(model="gpt-4o-mini", messages=HELLO, completion="Fine")
    assert chat == (litellm.token_counter("gpt-4o-mini", messages=HELLO) * 150 + 600) / NANO_DOLLARS


def test_the_cost_of_tokens() -> None:
    costs = litellm.cost_per_token(model="gpt-3.5-turbo", prompt_tokens=5, completion_tokens=10)
    assert costs == (2.5e-06, 1.5e-05)


def test_a_registered_model_is_priced_and_seen() -> None:
    returned = litellm.register_model(
        {
            "gpt-4": {
                "max_tokens": 8192,
                "input_cost_per_token": 0.00002,
                "output_cost_per_token": 0.00006,
                "litellm_provider": "openai",
                "mode": "chat",
            },
        }
    )
    assert returned["gpt-4"]["input_cost_per_token"] == litellm.model_cost["gpt-4"]["input_cost_per_token"] == 0.00002
    assert litellm.cost_per_token("gpt-4", prompt_tokens=1, completion_tokens=1) == (0.00002, 0.00006)
    response = litellm.completion("gpt-4", HELLO, mock_response="Hello")
    assert response.usage is not None
    expected = response.usage.prompt_tokens * 20_000 + response.usage.completion_tokens * 60_000
    assert litellm.cost(response).total == expected
    assert litellm.cost(response).source.startswith("register_model")


def test_prices_of_a_call() -> None:
    prices: Any = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
    assert litellm.completion_cost(mocked(), custom_cost_per_token=prices) == 5e-05
    assert litellm.cost_per_token("anything", 3, 4, custom_cost_per_token=prices) == (3e-06, 8e-06)
    assert litellm.completion_cost(mocked(), custom_cost_per_second=0.0001, total_time=1500) == 0.00015
    assert litellm.cost_per_token("anything", response_time_ms=500, custom_cost_per_second=0.002) == (0.0, 0.001)
    cached = litellm.cost_per_token("anything", 10, 0, cache_read_input_tokens=10, custom_cost_per_token=prices)
    assert cached == (1e-05, 0.0)


def test_prices_and_base_models_of_a_deployment() -> None:
    router = litellm.Router(
        model_list=[
            {
                "model_name": "own",
                "litellm_params": {
                    "model": "openai/my-model",
                    "input_cost_per_token": 1e-6,
                    "output_cost_per_token": 0,
                },
            },
            {
                "model_name": "azure",
                "litellm_params": {"model": "openai/my-model"},
                "model_info": {"base_model": "openai/gpt-4o-mini"},
            },
        ]
    )
    own = router.completion("own", HELLO, mock_response="Hello")
    assert own.usage is not None
    assert litellm.completion_cost(own) == own.usage.prompt_tokens / 1e6
    based = router.completion("azure", HELLO, mock_response="Hello")
    assert litellm.completion_cost(based) == litellm.completion_cost(based, base_model="gpt-4o-mini") > 0
    with pytest.raises(litellm.BadRequestError, match="openai/my-model"):
        litellm.completion_cost(own, model="openai/my-model")


def test_a_cached_answer_costs_nothing() -> None:
    assert (
        litellm.response_cost_calculator(mocked(), "gpt-3.5-turbo", "openai", "completion", {}, cache_hit=True) == 0.0
    )
    assert litellm.response_cost_calculator(mocked(), "gpt-3.5-turbo", "openai", "completion", {}) == 3.5e-05


def test_service_tiers() -> None:
    plain = litellm.cost_per_token("gpt-5", 1000, 100)
    assert litellm.cost_per_token("gpt-5", 1000, 100, service_tier="flex") == (plain[0] / 2, plain[1] / 2)
    assert litellm.cost_per_token("gpt-5", 1000, 100, service_tier="priority") == (plain[0] * 2, plain[1] * 2)
    answer = {"model": "gpt-5", "usage": USAGE, "service_tier": "flex"}
    assert litellm.completion_cost(answer) == 0.001125
    assert litellm.completion_cost(answer, service_tier="priority") == 0.0045


def test_tokens_of_a_cache() -> None:
    into, out = litellm.cost_per_token(
        "claude-sonnet-4-5", 1000, 0, cache_read_input_tokens=600, cache_creation_input_tokens=300
    )
    assert (into, out) == ((100 * 3000 + 600 * 300 + 300 * 3750) / NANO_DOLLARS, 0.0)
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 600}}
    assert litellm.cost_per_token("claude-sonnet-4-5", usage_object=usage)[0] == (400 * 3000 + 600 * 300) / NANO_DOLLARS


def test_what_is_no_token() -> None:
    speech = litellm.completion_cost(model="openai/tts-1", prompt="a" * 1000, call_type="aspeech")
    assert speech == 0.015
    litellm.register_model(
        {
            "openai/my-model": {
                "mode": "image_generation",
                "output_cost_per_image": 0.04,
                "input_cost_per_pixel": 1e-9,
            },
            "openai/gpt-test": {"mode": "audio_transcription", "input_cost_per_second": 0.0001},
        }
    )
    image = litellm.completion_cost(model="openai/my-model", call_type="image_generation", size="1024x1024", n=2)
    assert image == 0.08 + 2 * 1024 * 1024 / 1e9
    heard = litellm.completion_cost(model="openai/gpt-test", call_type="transcription", total_time=90_000)
    assert heard == 0.009
    assert litellm.cost_per_token("openai/gpt-test", audio_transcription_file_duration=10.0) == (0.001, 0.0)


# ── What is not known ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"model": "openai/gpt-4oo", "prompt": "Hey"}, r"'openai/gpt-4oo' \(did you mean 'gpt-4o'\?\)"),
        ({"model": "nobody/knows", "prompt": "Hey"}, "nobody/knows"),
        ({"model": "my-own", "prompt": "Hey"}, "my-own"),
        ({"completion_response": {"model": "my-own", "usage": USAGE}}, "my-own"),
        ({"prompt": "Hey"}, "whose prices count is not said"),
        (
            {"model": "x", "custom_cost_per_token": {"input_cost_per_token": -1}},
            r"custom_cost_per_token\.input_cost_per_tok",
        ),
        ({"model": "x", "custom_cost_per_second": "much"}, "custom_cost_per_second: expected dollars"),
    ],
)
def test_an_unknown_price_is_an_error_that_names_the_model(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(litellm.BadRequestError, match=said):
        litellm.completion_cost(**arguments)


def test_a_known_model_without_a_price() -> None:
    litellm.register_model({"openai/my-model": {"max_tokens": 100}})
    with pytest.raises(litellm.BadRequestError, match="no price of the model 'openai/my-model' is known") as caught:
        litellm.cost_per_token("openai/my-model", 1, 1)
    assert (caught.value.code, caught.value.provider, caught.value.param) == (
        "model_without_pricing",
        "openai",
        "model",
    )
    assert litellm.cost(USAGE, "openai/my-model").total is None


def test_what_has_no_price_beside_what_has_is_said(caplog: pytest.LogCaptureFixture) -> None:
    litellm.register_model({"openai/my-model": {"input_cost_per_token": 1e-6}})
    assert litellm.cost_per_token("openai/my-model", 1000, 100) == (0.001, 0.0)
    assert caplog.messages == ["openai/my-model: the cost is without output: no price is known"]
    assert litellm.cost(USAGE, "openai/my-model").unpriced == ("output",)


def test_what_the_provider_says_counts_where_nobody_else_knows() -> None:
    answer = {"model": "nobody/knows", "usage": {**USAGE, "cost": 0.00125}}
    assert litellm.completion_cost(answer) == 0.00125
    assert litellm.cost(answer) == Cost(None, reported=1_250_000)
    assert litellm.completion_cost({**answer, "model": "gpt-4o-mini"}) == 0.00021


@pytest.mark.parametrize("answer", [None, "text", 7, [], {}, {"usage": None}, object()])
def test_an_answer_without_usage_costs_nothing_that_is_known(answer: Any) -> None:
    with pytest.raises(litellm.BadRequestError, match="tells no usage"):
        litellm.cost(answer, "gpt-4o")


# ── Our own forms ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
@pytest.mark.usefixtures("_keys")
def test_answers_and_streams_have_a_cost(provider: str) -> None:
    litellm.register_model({f"{provider}/sim": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}})
    try:
        response = litellm.completion(f"{provider}/sim", HELLO)
        found = litellm.cost(response)
        assert response.usage is not None
        assert found.total == response.usage.prompt_tokens * 1000 + response.usage.completion_tokens * 2000 > 0
        assert sum(line.amount for line in found.lines) == found.total
        assert litellm.completion_cost(response) == found.total / NANO_DOLLARS
        stream = litellm.completion(f"{provider}/sim", HELLO, stream=True)
        chunks = list(stream)
        assert litellm.cost(stream).total == found.total
        rebuilt = litellm.stream_chunk_builder(chunks)
        assert rebuilt is not None
        assert litellm.cost(stream, "gpt-4o").model == "openai/gpt-4o"
    finally:
        CATALOGUE.remove(provider, "sim")


def test_answers_of_other_packages() -> None:
    answer = openai.types.chat.ChatCompletion.model_validate(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [],
            "usage": USAGE,
        }
    )
    found = litellm.cost(answer)
    assert (found.total, found.model) == (210_000, "openai/gpt-4o-mini")
    assert litellm.cost(answer.usage, "gpt-4o-mini") == found
    assert litellm.cost(USAGE, "gpt-4o-mini") == found
    assert litellm.completion_cost(answer) == 0.00021


def test_the_price_of_another_day() -> None:
    days = [datetime.datetime(year, 6, 1, tzinfo=datetime.UTC) for year in (2024, 2026)]
    old, new = (litellm.cost(USAGE, "openai/o3", at=day).total for day in days)
    assert (old, new) == (14_000_000, 2_800_000)


def test_bounds_hold_the_cost() -> None:
    for question in (HELLO, [{"role": "user", "content": "word " * 5000}]):
        bounds = litellm.cost_bounds("gpt-4o-mini", question, max_tokens=30)
        usage = {"prompt_tokens": litellm.token_counter("gpt-4o-mini", messages=question), "completion_tokens": 30}
        total = litellm.cost(usage, "gpt-4o-mini").total
        assert bounds.lower is not None
        assert bounds.upper is not None
        assert total is not None
        assert 0 < bounds.lower <= total <= bounds.upper
        assert bounds.output_tokens == 30
    unknown = litellm.cost_bounds("openai/my-own", HELLO)
    assert unknown.upper is None
    assert unknown.notes
    with pytest.raises(litellm.BadRequestError, match="messages"):
        litellm.cost_bounds("gpt-4o-mini", 7)  # type: ignore[arg-type]


# ── The oracle ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_floats_are_those_of_genai_prices() -> None:
    """Every model that both know, at today's prices."""
    compared = 0
    usage = {"prompt_tokens": 12_345, "completion_tokens": 678, "prompt_tokens_details": {"cached_tokens": 2_345}}
    said = OracleUsage(input_tokens=12_345, output_tokens=678, cache_read_tokens=2_345)
    for provider in genai_prices.data.providers:
        name = CATALOGUE.provider_name(provider.id)
        for model in provider.models:
            entry = litellm.model_entry(f"{name}/{model.id}")
            if entry is None or entry.model != model.id or not str(entry.price_provenance).startswith("genai-prices"):
                continue
            if (rates := rates_at(entry)) and not rates.keys() & {"input", "output"}:
                continue  # it is not sold by tokens
            expected = model.calc_price(said, provider).total_price
            rounded = int((expected * NANO_DOLLARS).quantize(Decimal(1), ROUND_HALF_UP))
            answer = {"model": model.id, "usage": usage}
            assert litellm.completion_cost(answer, custom_llm_provider=name) == rounded / NANO_DOLLARS, entry.name
            into, out = litellm.cost_per_token(entry.name, usage_object=usage)
            assert round((into + out) * NANO_DOLLARS) == rounded, entry.name
            compared += 1
    assert compared >= 500
