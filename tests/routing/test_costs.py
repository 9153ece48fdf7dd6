"""What an answer costs: recorded answers through real sockets, held against genai-prices; and whose prices count."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Iterator
from typing import Any

import genai_prices
import orjson
import pytest

from dragoman import errors
from dragoman.credentials import NoCredential
from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import ReplyStyle, RequestHints
from dragoman.models import Catalogue
from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded, Event
from dragoman.providers import Provider
from dragoman.routing import Call, CallOptions, CallRouter, Clock, Deployment, Source, StreamAnswer
from dragoman.types.cost import Cost
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate
from dragoman.types.operations import CHAT, COUNT_TOKENS, EMBEDDING, TEXT_COMPLETION
from tests.recordings import Recording, recordings
from tests.routing.recorded import Replayer, raw_answer, running_replayer
from tests.routing.test_router import Make, chat, text_of
from tests.routing.upstream import Upstream, soon

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
CLOCK = Clock(time=NOW.timestamp)
DOLLAR = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
"""One dollar for a million tokens in, two for a million out: 1,000 and 2,000 nano-dollars each."""
CODECS = {"anthropic": anthropic_messages.CODEC, "gemini": gemini.CODEC}
ORACLE = {"gemini": "google"}
"""genai-prices' name of a provider, where it is not ours."""


@pytest.fixture(scope="module")
def replayer() -> Iterator[Replayer]:
    with running_replayer() as running:
        yield running


def entry(provider: str, model: str, **prices: int) -> ModelEntry:
    """Prices in nano-dollars for a million tokens."""
    rates = {bucket: Rate(price) for bucket, price in prices.items()}
    return ModelEntry(
        provider=provider, model=model, prices=(PricePeriod(rates),), price_provenance=Provenance("test", "1")
    )


def mocked(
    model: str = "smart", *, stream: bool = False, request: dict[str, Any] | None = None, **options: Any
) -> Call:
    """A call that is answered without a socket, with 10 tokens in and 20 out."""
    return chat(model, stream=stream, request=request or {}, mock_response="Hello", **options)


async def costs_of(router: CallRouter, call: Call) -> Cost:
    answer = await router.answer(call)
    if isinstance(answer, StreamAnswer):
        async for _ in answer.batches:
            pass
    assert answer.cost is not None
    return answer.cost


def expected(recording: Recording) -> int | LookupError | None:
    """genai-prices' own answer in nano-dollars; None where the provider told no usage."""
    provider = ORACLE.get(recording.provider, recording.provider)
    flavor = "chat" if provider == "openai" else "default"
    answer = {**raw_answer(recording), "model": recording.model, "modelVersion": recording.model}
    try:
        used = genai_prices.extract_usage(answer, provider_id=provider, api_flavor=flavor).usage
        price = genai_prices.calc_price(used, recording.model, provider_id=provider, genai_request_timestamp=NOW)
    except LookupError as error:
        return error
    except ValueError:
        return None
    return int((price.total_price * 10**9).quantize(1))


def of_plain_price(recording: Recording) -> bool:
    """A whole answer, or the events of one, at the plain prices."""
    events = not recording.stream or recording.response_headers.get("content-type", "").startswith("text/event-stream")
    well = events and b'"error"' not in recording.response_bytes
    return well and bool(recording.model) and raw_answer(recording).get("service_tier") != "priority"


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "recording",
    recordings(
        ("openai", "chat"),
        ("groq", "chat"),
        ("mistral", "chat"),
        ("anthropic", "messages"),
        ("gemini", "generateContent"),
        where=of_plain_price,
    ),
)
async def test_recorded_answers_cost_what_genai_prices_says(
    replayer: Replayer, make: Make, recording: Recording, native: bool
) -> None:
    router = make(replayer.deployment(recording), clock=CLOCK)
    answer = await router.answer(asked(recording, native=native))
    if isinstance(answer, StreamAnswer):
        async for _ in answer.batches:
            pass
    wanted = expected(recording)
    if wanted is None:
        assert answer.usage is None
        assert answer.cost is None
        return
    assert answer.cost is not None
    if isinstance(wanted, LookupError):
        assert not answer.cost.source.startswith("genai-prices")
        return
    assert sum(line.amount for line in answer.cost.lines) == answer.cost.total
    tokens = sum(line.amount for line in answer.cost.lines if line.per == 1_000_000)
    assert wanted in (answer.cost.total, tokens)  # of what is no token genai-prices extracts Anthropic's searches alone
    assert answer.cost.source.startswith("genai-prices")


def asked(recording: Recording, *, native: bool) -> Call:
    codec: Any = CODECS.get(recording.provider, openai_chat.CODEC)
    body: dict[str, Any] = {"model": "recorded", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]}
    if recording.provider == "gemini":
        body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    elif recording.stream:
        body["stream"] = True
    return Call(
        operation=CHAT,
        model="recorded",
        request=codec.read_request(body, RequestHints(model="recorded", stream=recording.stream)),
        stream=recording.stream,
        source=Source(codec.dialect, body, orjson.dumps(body)) if native else None,
        reply_style=ReplyStyle(model="recorded"),
    )


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    "recording",
    recordings(("openai", "chat"), where=lambda one: raw_answer(one).get("service_tier") == "priority"),
)
async def test_the_tier_that_served_a_call_sets_its_price(
    replayer: Replayer, make: Make, recording: Recording, native: bool
) -> None:
    router = make(replayer.deployment(recording), clock=CLOCK)
    cost = await costs_of(router, asked(recording, native=native))
    used = raw_answer(recording)["usage"]
    assert cost.total == used["prompt_tokens"] * 4250 + used["completion_tokens"] * 17000  # gpt-4o: $4.25 and $17


async def test_the_tier_that_was_asked_for_counts_where_the_answer_names_none(make: Make) -> None:
    router = make()
    plain = await costs_of(router, mocked("openai/gpt-5-mini"))
    flex = await costs_of(router, mocked("openai/gpt-5-mini", request={"service_tier": "flex"}))
    assert plain.total == 2 * (flex.total or 0) == 10 * 250 + 20 * 2000


@pytest.mark.parametrize("recording", recordings(("openai", "completions"), ("mistral", "embeddings")))
async def test_text_completions_and_embeddings_have_a_cost(
    replayer: Replayer, make: Make, recording: Recording
) -> None:
    text = recording.endpoint == "completions"
    request = {"model": "recorded", **({"prompt": "Hello"} if text else {"input": "Hello"})}
    operation = TEXT_COMPLETION if text else EMBEDDING
    router = make(replayer.deployment(recording, options={"prices": DOLLAR}))
    answer = await router.answer(Call(operation=operation, model="recorded", request=request, stream=recording.stream))
    if isinstance(answer, StreamAnswer):
        async for _ in answer.batches:
            pass
    used = raw_answer(recording).get("usage") or {}
    if not used:
        assert answer.cost is None
        return
    assert answer.cost is not None
    assert answer.cost.total == used["prompt_tokens"] * 1000 + used.get("completion_tokens", 0) * 2000


@pytest.mark.parametrize("stream", [False, True])
async def test_a_text_completion_of_a_provider_who_only_chats_costs_what_the_chat_does(
    upstream: Upstream, make: Make, stream: bool
) -> None:
    router = make(upstream.deployment("smart", "sim", provider="anthropic", options={"prices": DOLLAR}))
    request = {"model": "smart", "prompt": "Hello", "max_tokens": 20}
    answer = await router.answer(Call(operation=TEXT_COMPLETION, model="smart", request=request, stream=stream))
    if isinstance(answer, StreamAnswer):
        async for _ in answer.batches:
            pass
    assert answer.usage is not None
    assert answer.cost is not None
    assert answer.cost.total == answer.usage["prompt_tokens"] * 1000 + answer.usage["completion_tokens"] * 2000


@pytest.mark.parametrize("provider", ["anthropic", "openai", "groq"])
async def test_counting_tokens_is_free(upstream: Upstream, make: Make, provider: str) -> None:
    """Whether the provider counts, or we estimate; also where nobody knows a price."""
    like = upstream.deployment("smart", "sim", provider="openai" if provider == "groq" else provider)
    router = make(like, settings={"block_requests_for_models_without_pricing": True})
    request = {"model": "smart", "chat": {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]}}
    cost = await costs_of(router, Call(operation=COUNT_TOKENS, model="smart", request=request))
    assert cost.total == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_mocks_and_functions_have_a_cost(make: Make, stream: bool) -> None:
    async def function(call: Any) -> Any:
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        message = {"role": "assistant", "content": "Hello"}
        return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}

    own = Provider(name="own", base_url="", endpoints={}, credential=NoCredential(), function=function)
    deployment = Deployment(id="f:0", alias="function", provider=own, model="any", options=CallOptions(prices=DOLLAR))
    assert (await costs_of(make(deployment), chat("function", stream=stream))).total == 7 * 1000 + 5 * 2000
    cost = await costs_of(make(), mocked("openai/gpt-4o", stream=stream))
    assert cost.total == 10 * 2500 + 20 * 10000
    assert cost.model == "openai/gpt-4o"


async def test_what_nobody_has_a_price_for_is_unpriced_and_not_free(upstream: Upstream, make: Make) -> None:
    answer = await make(upstream.deployment("smart", "sim")).answer(chat("smart"))
    assert answer.cost is not None
    assert answer.cost.total is None
    (deployment,) = make(upstream.deployment("smart", "sim")).deployments
    assert deployment.entry is None


async def test_the_price_is_that_of_the_day(make: Make) -> None:
    catalogue = Catalogue()
    old, new = PricePeriod({"output": Rate(1_000_000)}), PricePeriod({"output": Rate(2_000_000)}, starts=NOW.date())
    catalogue.add(ModelEntry(provider="openai", model="dated", prices=(old, new)))
    for days, total in ((-1, 20), (0, 40)):
        day = NOW + datetime.timedelta(days=days)
        router = make(catalogue=catalogue, clock=Clock(time=day.timestamp))
        for stream in (False, True):
            assert (await costs_of(router, mocked("openai/dated", stream=stream))).total == total


async def test_events_tell_usage_and_cost(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    router = make(upstream.deployment("smart", "sim", options={"prices": DOLLAR}), listeners=(heard.append,))
    for stream in (False, True):
        heard.clear()
        answer = await router.answer(chat("smart", stream=stream))
        await text_of(answer)
        assert isinstance(heard[-1], CallSucceeded)
        assert heard[-1].record.cost == answer.cost
        assert heard[-1].record.usage == answer.usage
        assert answer.cost is not None
        assert answer.cost.total


@pytest.mark.parametrize("how", ["left", "cut"])
async def test_a_stream_that_ends_badly_costs_what_is_known_by_then(upstream: Upstream, make: Make, how: str) -> None:
    """Anthropic tells the input at the beginning."""
    heard: list[Event] = []
    model = "sim[stall=6]" if how == "left" else "sim[cut=6]"
    deployment = upstream.deployment("smart", model, provider="anthropic", options={"prices": DOLLAR})
    router = make(deployment, listeners=(heard.append,))
    body = {"model": "smart", "max_tokens": 64, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    codec = anthropic_messages.CODEC
    answer = await router.answer(
        Call(
            operation=CHAT,
            model="smart",
            request=codec.read_request(body, RequestHints()),
            stream=True,
            source=Source(codec.dialect, body, orjson.dumps(body)),
        )
    )
    assert isinstance(answer, StreamAnswer)
    assert answer.native
    await anext(aiter(answer.batches))
    if how == "left":
        await answer.aclose()
        await soon(lambda: upstream.calls[0].closed_early)
    else:
        with pytest.raises(errors.APIConnectionError):
            async for _ in answer.batches:
                pass
    assert answer.usage is not None
    assert answer.cost is not None
    assert answer.cost.total == answer.usage["prompt_tokens"] * 1000 + answer.usage["completion_tokens"] * 2000 > 0
    (tried, failed) = heard
    assert isinstance(tried, AttemptEnded)
    assert isinstance(failed, CallFailed)
    assert (failed.record.provider, failed.record.answered_model, failed.record.usage, failed.record.cost) == (
        "anthropic",
        model,
        answer.usage,
        answer.cost,
    )


async def test_a_stream_without_any_content_is_told_too(make: Make) -> None:
    async def silent(call: Any) -> AsyncIterator[Any]:
        usage = {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}
        yield {"choices": [], "usage": usage}

    heard: list[Event] = []
    own = Provider(name="own", base_url="", endpoints={}, credential=NoCredential(), function=silent)
    deployment = Deployment(id="s:0", alias="smart", provider=own, model="any", options=CallOptions(prices=DOLLAR))
    router = make(deployment, listeners=(heard.append,))
    answer = await router.answer(chat("smart", stream=True))
    await text_of(answer)
    assert isinstance(answer, StreamAnswer)
    assert [type(event) for event in heard] == [AttemptEnded, CallSucceeded]
    assert isinstance(heard[1], CallSucceeded)
    assert heard[1].record.cost == answer.cost
    assert answer.cost is not None
    assert answer.cost.total == 7000
