"""Every recorded usage, whole and streamed, priced and held against genai-prices' own answer for the raw reply."""

from __future__ import annotations

import collections
import datetime

import pytest

from dragoman.models import Catalogue, cost_of, price_context, reported_cost
from dragoman.types.usage import bucket_counts, token_buckets
from tests.models.genai import entry_of, model_of, nano_dollars, provider_of
from tests.models.recorded_usages import RecordedUsage, recorded_usages
from tests.recordings import all_recordings

pytestmark = pytest.mark.skipif(not all_recordings(), reason="the recordings are missing")

AT = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
LEAST = 340
"""So many recorded usages are compared, at least."""
OTHERWISE = {
    # OpenAI-compatible Gemini tells its thoughts only in the total; genai-prices reads no totals.
    "gemini-pydantic-ai--test-compatible-api-with-tool-calls-without-id-1-260a8e82": {"reasoning": 62},
    "gemini-pydantic-ai--test-compatible-api-with-tool-calls-without-id-2-4cb25ec7": {"reasoning": 28},
    # Google's searches are told by the candidates, not by the usage, which is all that genai-prices reads.
    "vertex-pydantic-ai--test-google-vertex-tool-combination-omits-include-server-side-tool-inv-2-abad8c47": {
        "web_search": 1
    },
    "gemini-pydantic-ai--test-native-output-with-builtin-tools-stream-1-3193b2fd": {"web_search": 1},
    # Voxtral hears audio, tells its length and its tokens beside the prompt; genai-prices reads neither.
    "mistral-ruby_llm--chat-audio-models-mistral-voxtral-small-latest-can-understand-mp3-audi-1-9b87f3ce": {
        "input_audio_second": 4
    },
}
"""Where genai-prices' extractor leaves out what was used: the buckets that ours has and its has not. Without them the costs are
equal."""
REFUSED = "cannot exceed input_tokens"
"""genai-prices raises for Grok on Azure, which tells more cached tokens than tokens; ours are cut."""


def theirs(recorded: RecordedUsage, at: datetime.datetime) -> int | None:
    """genai-prices' answer in nano-dollars; None where it does not know the provider, its replies, or the model."""
    provider = provider_of(recorded.provider)
    model = model_of(provider, recorded.model) if provider is not None else None
    if provider is None or model is None or not provider.extractors:
        return None
    flavours = {extractor.api_flavor for extractor in provider.extractors}
    flavour = next((name for name in (recorded.flavour, "default") if name in flavours), None)
    if flavour is None:
        return None
    _, usage = provider.extract_usage(recorded.raw, api_flavor=flavour)
    try:
        price = model.calc_price(
            usage, provider, genai_request_timestamp=at, price_context=price_context(recorded.usage)
        )
    except ValueError as error:
        assert REFUSED in str(error), recorded.id
        return None
    return nano_dollars(price.total_price)


def moments(recorded: RecordedUsage) -> list[datetime.datetime]:
    created = recorded.raw.get("created")
    if not isinstance(created, int) or not 1_600_000_000 < created < 1_900_000_000:
        return [AT]
    return [AT, datetime.datetime.fromtimestamp(created, datetime.UTC)]


@pytest.mark.parametrize("rows", ["genai-prices' own", "of the catalogue"])
def test_every_recorded_usage_costs_what_genai_prices_says(rows: str) -> None:
    catalogue = Catalogue()
    compared, wrong, used = 0, [], set()
    for recorded in recorded_usages():
        provider = provider_of(recorded.provider)
        model = model_of(provider, recorded.model) if provider else None
        if provider is None or model is None:
            continue
        own = catalogue.find(recorded.provider, recorded.model)
        if rows != "of the catalogue":
            own = entry_of(provider, model)
        elif own is None or own.price_provenance is None or own.price_provenance.source != "genai-prices":
            continue
        for at in moments(recorded):
            wanted = theirs(recorded, at)
            if wanted is None:
                continue
            cost = cost_of(recorded.usage, own, at=at)
            more = OTHERWISE.get(recorded.id, {})
            if more:
                used.add(recorded.id)
                known = {line.bucket: line.count for line in cost.lines}
                assert more.items() <= known.items(), recorded.id
            kept = [line for line in cost.lines if line.bucket not in more]
            amount = sum(line.count * line.rate * 10**9 // line.per for line in kept)
            compared += at == AT
            if (cost.total if not more else (amount + 5 * 10**8) // 10**9) != wanted:
                wrong.append((recorded.id, recorded.model, at, cost, wanted))
    assert not wrong, wrong
    assert compared >= (LEAST if rows != "of the catalogue" else LEAST - 40), compared
    assert used == OTHERWISE.keys()


def test_the_buckets_of_every_recorded_usage_are_its_totals() -> None:
    assert len(recorded_usages()) > 500
    for recorded in recorded_usages():
        buckets = token_buckets(recorded.usage)
        assert buckets.prompt == recorded.usage.get("prompt_tokens", 0), recorded.id
        assert buckets.completion == recorded.usage.get("completion_tokens", 0), recorded.id


def test_a_reply_that_passes_through_has_the_usage_of_one_that_is_read() -> None:
    through = [recorded for recorded in recorded_usages() if recorded.passed_through is not None]
    assert len(through) > 450
    for recorded in through:
        assert recorded.passed_through == recorded.usage, recorded.id


def test_what_providers_say_themselves_is_kept_beside_ours() -> None:
    """xAI's own figures are ours to the nano-dollar. OpenRouter sells at the price of the host that it found, Vercel took GPT-5's
    reasoning twice, Perplexity's fee depends on the size of the search: theirs are kept, and never taken for ours."""
    catalogue = Catalogue()
    told: collections.Counter[str] = collections.Counter()
    equal: collections.Counter[str] = collections.Counter()
    for recorded in recorded_usages():
        said = reported_cost(recorded.usage)
        if said is None:
            continue
        names = (recorded.model, recorded.recording.model)
        entry = next((row for name in names if (row := catalogue.find(recorded.provider, name))), None)
        cost = cost_of(recorded.usage, entry, at=moments(recorded)[-1])
        assert cost.reported == said
        told[recorded.recording.provider] += 1
        equal[recorded.recording.provider] += cost.total == said
    assert told["xai"] == equal["xai"] == 5
    assert told["openrouter"] >= 30
    assert told["perplexity"] >= 7
    assert told["vercel-gateway"] >= 12
    assert equal["openrouter"] >= 20
    assert equal["vercel-gateway"] >= 10


def test_the_buckets_that_were_recorded_are_told_apart() -> None:
    seen = {bucket for recorded in recorded_usages() for bucket in bucket_counts(recorded.usage)}
    assert seen >= {
        "input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image", "input_video",
        "cache_read_image", "output", "reasoning", "output_audio", "output_image", "web_search", "input_audio_second",
        "other_model",
    }  # fmt: skip
