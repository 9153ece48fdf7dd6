"""Usage cut into buckets that do not overlap."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given

from dragoman.types.cost import BUCKETS
from dragoman.types.usage import TokenBuckets, bucket_counts, token_buckets
from tests.types.usages import USAGES


def sound(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


@given(USAGES)
def test_buckets_sum_to_the_totals(usage: dict[str, Any]) -> None:
    buckets = token_buckets(usage)
    assert buckets.prompt == sound(usage.get("prompt_tokens"))
    assert buckets.completion == sound(usage.get("completion_tokens"))
    values = dataclasses.asdict(buckets)
    assert sum(values.values()) == buckets.prompt + buckets.completion, "no bucket is left out of the sums"
    assert min(values.values()) >= 0


@given(USAGES)
def test_every_bucket_that_is_counted_is_known_and_not_empty(usage: dict[str, Any]) -> None:
    counts = bucket_counts(usage)
    assert counts.keys() <= BUCKETS.keys()
    assert all(count > 0 for count in counts.values())
    if not isinstance(usage.get("iterations"), list):
        tokens = {name: value for name, value in dataclasses.asdict(token_buckets(usage)).items() if value}
        assert tokens.items() <= counts.items()


def test_every_bucket_of_tokens_has_a_price_bucket() -> None:
    assert {field.name for field in dataclasses.fields(TokenBuckets)} <= BUCKETS.keys()


def test_each_detail_has_its_bucket() -> None:
    buckets = token_buckets(
        {
            "prompt_tokens": 200,
            "completion_tokens": 100,
            "prompt_tokens_details": {
                "cached_tokens": 30,
                "cached_tokens_details": {
                    "audio_tokens": 4,
                    "image_tokens": 5,
                    "document_tokens": 2,
                    "video_tokens": 6,
                },
                "cache_creation_tokens": 30,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "audio_tokens": 9,
                "image_tokens": 10,
                "document_tokens": 5,
                "video_tokens": 16,
                "text_tokens": 160,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 15,
                "citation_tokens": 6,
                "audio_tokens": 7,
                "image_tokens": 8,
                "video_tokens": 9,
                "accepted_prediction_tokens": 3,
            },
        }
    )
    assert buckets == TokenBuckets(
        input=117,
        cache_read=19,
        cache_read_audio=4,
        cache_read_image=7,
        cache_write_5m=10,
        cache_write_1h=20,
        input_audio=5,
        input_image=8,
        input_video=10,
        output=55,
        reasoning=15,
        citation=6,
        output_audio=7,
        output_image=8,
        output_video=9,
    )
    assert token_buckets({}) == TokenBuckets()


@pytest.mark.parametrize(
    ("details", "buckets"),
    [
        ({"cached_tokens": 387}, {"cache_read": 298}),
        ({"cache_creation_tokens": 500}, {"cache_write_5m": 298}),
        ({"cache_creation_token_details": {"ephemeral_1h_input_tokens": 8}}, {"cache_write_1h": 8, "input": 290}),
        (
            {"cached_tokens": 298, "cache_creation_token_details": {"ephemeral_1h_input_tokens": 8}, "image_tokens": 1},
            {"cache_read": 298},
        ),
        ({"cached_tokens": 290, "audio_tokens": 50}, {"cache_read": 290, "input_audio": 8}),
        ({"cached_tokens": 8, "cached_tokens_details": {"audio_tokens": 50}}, {"cache_read_audio": 8, "input": 290}),
    ],
)
def test_a_detail_that_is_too_large_is_cut(details: dict[str, Any], buckets: dict[str, int]) -> None:
    """The first is recorded of Grok on Azure."""
    assert bucket_counts({"prompt_tokens": 298, "prompt_tokens_details": details}) == buckets


def test_tools_that_the_provider_ran_are_counted() -> None:
    usage = {
        "server_tool_use": {
            "web_search_requests": 2,
            "web_fetch_requests": 3,
            "code_execution_requests": 4,
            "x_search_requests": 5,
            "file_search_requests": 6,
        },
        "num_sources_used": 7,
    }
    assert bucket_counts(usage) == {
        "web_search": 2,
        "code_execution": 4,
        "social_search": 5,
        "storage_search": 6,
        "search_source": 7,
    }
