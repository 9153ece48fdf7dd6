"""What a call can cost, before it is made: held against what every recorded exchange cost, and at the edges by hand."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.models import Catalogue, cost_bounds, cost_of
from dragoman.models.cost_drivers import read_cost_drivers
from dragoman.types.cost import CostBounds
from dragoman.types.model_entry import ModelEntry, PricePeriod, Provenance, Rate
from tests.models.recorded_usages import recorded_usages
from tests.recordings import all_recordings

AT = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
MARK = {"type": "ephemeral", "ttl": "1h"}
SEARCH = {"type": "web_search", "vendor": "anthropic", "definition": {"type": "web_search_20250305", "max_uses": 2}}


def entry(model: str = "gpt-9", *periods: PricePeriod, **facts: Any) -> ModelEntry:
    rates = {"input": Rate(10**9), "output": Rate(4 * 10**9), **facts.pop("rates", {})}
    facts = {"context_window": 100_000, "max_output_tokens": 8_000, **facts}
    prices = facts.pop("prices", (PricePeriod(rates), *periods))
    return ModelEntry(provider="p", model=model, prices=prices, price_provenance=Provenance("config"), **facts)


def bounds(row: ModelEntry | None, **request: Any) -> CostBounds:
    whole = request if request.keys() & {"input", "prompt"} else {"messages": [user("Hello")], **request}
    return cost_bounds(whole, row, provider="p", model=row.model if row else "gpt-9", at=AT)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.skipif(not all_recordings(), reason="the recordings are missing")
def test_no_recorded_exchange_cost_more_or_less() -> None:
    catalogue = Catalogue()
    bounded = unbounded = 0
    for recorded in recorded_usages():
        if recorded.request is None or "media-shrunk" in (recorded.recording.data.get("edits") or ()):
            continue  # what was sent is not known
        names = (recorded.recording.model, recorded.model)
        row = next((row for name in names if name and (row := catalogue.find(recorded.provider, name))), None)
        model = recorded.recording.model or recorded.model
        found = cost_bounds(recorded.request, row, provider=recorded.provider, model=model, at=AT)
        cost = cost_of(recorded.usage, row, at=AT)
        if found.input_tokens is not None:
            assert recorded.usage["prompt_tokens"] <= found.input_tokens or not (row and row.prices), recorded.id
        if found.upper is None:
            assert found.notes, recorded.id
        if cost.total is None:
            assert found.upper is None, recorded.id
            continue
        assert found.lower is not None
        assert found.lower <= cost.total, recorded.id
        if found.upper is None:
            unbounded += 1
            continue
        bounded += 1
        assert cost.total <= found.upper, (recorded.id, cost, found)
    assert bounded >= 290
    assert unbounded <= 50


def test_the_upper_bound_is_the_whole_of_input_and_output() -> None:
    found = bounds(entry(), max_completion_tokens=500, n=3)
    assert found.output_tokens == 1500
    assert found.input_tokens is not None
    assert found.upper == found.input_tokens * 1000 + 1500 * 4000
    assert found.upper == sum(line.amount for line in found.lines)
    assert found.lower is not None
    assert 0 <= found.lower <= found.input_tokens * 1000
    assert (found.model, found.source, found.notes) == ("p/gpt-9", "config", ())


def test_without_a_maximum_the_models_own_holds_and_then_its_window() -> None:
    assert bounds(entry()).output_tokens == 8_000
    assert bounds(entry()).notes == ("the request sets no maximum for the answer",)
    assert bounds(entry(max_output_tokens=None)).output_tokens == 100_000
    nothing = bounds(entry(max_output_tokens=None, context_window=None))
    assert (nothing.upper, nothing.output_tokens) == (None, None)
    assert nothing.notes == ("nothing says how long an answer may be",)
    assert nothing.lower is not None
    thinks = bounds(entry("grok-9", max_output_tokens=None, context_window=None), max_tokens=10)
    assert thinks.notes == ("nothing says how long the model may think beyond the maximum of the answer",)


def test_models_that_think_beyond_the_maximum_are_bounded_by_their_own() -> None:
    assert bounds(entry("grok-9"), max_tokens=10).output_tokens == 8_010
    assert bounds(entry("grok-9"), max_tokens=10).notes == ("the model may think beyond the maximum of the answer",)
    assert bounds(entry("grok-9", abilities={"reasoning": False}), max_tokens=10).output_tokens == 10
    for model in ("claude-9", "openai/gpt-9", "o3-mini", "gemini-9-pro"):
        assert bounds(entry(model), max_tokens=10).output_tokens == 10, model


def test_a_budget_never_adds_to_the_maximum() -> None:
    budget = {"type": "enabled", "budget_tokens": 2000}
    assert bounds(entry("claude-9"), max_tokens=3000, thinking=budget).output_tokens == 3000
    assert bounds(entry("claude-9"), max_tokens=1000, thinking=budget).output_tokens == 1000
    assert bounds(entry("claude-9"), max_tokens=1000, thinking={"type": "disabled"}).output_tokens == 1000


def test_the_dearest_bucket_that_the_input_may_fall_into() -> None:
    rates = {"cache_write_5m": Rate(1_250_000_000), "cache_write_1h": Rate(2 * 10**9), "input_audio": Rate(9 * 10**9)}
    claude = entry("claude-9", rates=rates)

    def bucket(row: ModelEntry, content: Any, **request: Any) -> str:
        return bounds(row, messages=[user(content)], max_tokens=1, **request).lines[0].bucket

    assert bucket(claude, "Hello") == "input"
    assert bucket(entry(rates=rates), "Hello") == "cache_write_5m", "others write of themselves"
    short = [{"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}]
    assert bucket(claude, short) == "cache_write_5m"
    assert bucket(claude, [{**short[0], "cache_control": MARK}]) == "cache_write_1h"
    assert bucket(claude, "Hello", tools=[{"type": "function", "function": {"name": "f"}, "cache_control": MARK}]) == (
        "cache_write_1h"
    )
    assert bucket(claude, "Hello", vendor_params={"anthropic": {"cache_control": MARK}}) == "cache_write_1h"
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    assert bucket(claude, [audio]) == "input_audio"


def test_output_is_taken_at_its_dearest() -> None:
    row = entry(rates={"reasoning": Rate(5 * 10**9), "output_audio": Rate(20 * 10**9)})
    assert bounds(row, max_tokens=1).lines[1].bucket == "reasoning"
    assert bounds(row, max_tokens=1, modalities=["text", "audio"]).lines[1].bucket == "output_audio"


def test_tiers_and_dearer_services_count_where_they_may_hold() -> None:
    tiered = entry(rates={"input": Rate(10**9, ((50, 3 * 10**9), (10_000, 7 * 10**9)))})
    assert bounds(tiered, messages=[user("x" * 1000)], max_tokens=1).lines[0].rate == 3 * 10**9
    priority = PricePeriod({"output": Rate(9 * 10**9)}, when={"service_tier": "priority"})
    flex = PricePeriod({"output": Rate(2 * 10**9)}, when={"service_tier": "flex"})
    row = entry("gpt-9", priority, flex)

    def rate(**request: Any) -> int:
        return bounds(row, max_tokens=1000, **request).lines[1].rate

    assert rate() == 4 * 10**9
    assert rate(service_tier="priority") == rate(service_tier="auto") == 9 * 10**9
    assert rate(service_tier="flex") == 4 * 10**9, "it may be served in the ordinary tier"


def test_prices_that_change_within_the_hour_count() -> None:
    later = PricePeriod({"input": Rate(10**9), "output": Rate(40 * 10**9)}, starts=datetime.date(2026, 11, 21))
    row = entry("gpt-9", later)
    night = datetime.datetime(2026, 11, 20, 23, 30, tzinfo=datetime.UTC)
    request = {"messages": [user("Hello")], "max_tokens": 1000}
    rates = [cost_bounds(request, row, provider="p", model="gpt-9", at=at).lines[1].rate for at in (AT, night)]
    assert rates == [4 * 10**9, 40 * 10**9]


def test_searches_are_bounded_only_where_their_number_is() -> None:
    row = entry("claude-9", rates={"web_search": Rate(10**10)})
    found = bounds(row, max_tokens=100, tools=[SEARCH])
    assert {line.bucket: line.count for line in found.lines} == {"input": 300_000, "output": 300, "web_search": 2}
    endless = {"type": "web_search", "vendor": "anthropic", "definition": {"type": "web_search_20250305"}}
    requests: tuple[dict[str, Any], ...] = (
        {"tools": [endless]},
        {"tools": [{"googleSearch": {}}]},
        {"tools": [{"type": "mcp", "vendor": "anthropic", "definition": {}}]},
        {"web_search_options": {}},
        {"plugins": [{"id": "web"}]},
        {"models": ["a/b"]},
        {"vendor_params": {"anthropic": {"context_management": {"edits": [{"type": "compact_20260112"}]}}}},
    )
    for request in requests:
        found = bounds(row, max_tokens=100, **request)
        assert (found.upper, found.input_tokens) == (None, None), request
        assert found.notes[0].startswith("the provider may add to the input")
        assert found.lower is not None
    function = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert bounds(row, max_tokens=100, tools=[function]).upper is not None
    assert bounds(entry("gpt-4o-search-preview"), max_tokens=100).upper is None


def test_what_is_not_priced_has_no_bound_and_what_is_free_has_the_least() -> None:
    for row in (None, entry(prices=())):
        found = bounds(row, max_tokens=100)
        assert (found.lower, found.upper, found.output_tokens) == (None, None, 100)
        assert "no price of the model is known" in found.notes
    free = bounds(entry(prices=(PricePeriod({}),)))
    assert (free.lower, free.upper) == (0, 0)
    half = bounds(entry(prices=(PricePeriod({"input": Rate(10**9)}),)), max_tokens=100)
    assert (half.upper, half.notes) == (None, ("the model has no rate for output",))


def test_requests_have_their_fee_in_both_bounds() -> None:
    found = bounds(entry(rates={"request": Rate(5 * 10**9)}), max_tokens=1)
    assert found.lines[-1].bucket == "request"
    assert found.lower is not None
    assert found.lower >= 5_000_000


def test_embeddings_have_no_output() -> None:
    row = entry("text-embedding-9", prices=(PricePeriod({"input": Rate(10**9)}),), max_output_tokens=None)
    found = bounds(row, input=["Hello", "World"])
    assert found.output_tokens == 0
    assert [line.bucket for line in found.lines] == ["input"]


def test_text_completions_answer_each_prompt() -> None:
    assert bounds(entry(), prompt=["a", "b"], max_tokens=10, n=2, best_of=3).output_tokens == 60
    assert bounds(entry("qwen-9"), prompt="a", max_tokens=10).output_tokens == 10, "nothing thinks there"


def test_audio_that_is_sold_by_its_length_has_no_bound() -> None:
    row = entry("voxtral-9", rates={"input_audio_second": Rate(10**9)})
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    assert bounds(row, max_tokens=1).upper is not None
    found = bounds(row, max_tokens=1, messages=[user([audio])])
    assert found.upper is None
    assert "audio is sold by its length, which the request does not tell" in found.notes
    assert found.lower == 0


NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "content", "tools", "definition", "cache_control"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
FIELDS = [
    "n",
    "max_tokens",
    "tools",
    "messages",
    "thinking",
    "modalities",
    "vendor_params",
    "best_of",
    "prompt",
    "prediction",
    "service_tier",
]


@given(st.dictionaries(st.sampled_from(FIELDS), NONSENSE))
def test_nonsense_is_read_without_harm(request: dict[str, Any]) -> None:
    asked = read_cost_drivers(request)
    assert asked.answers >= 1
    assert asked.longest is None or asked.longest > 0
