"""Usage cut into buckets that do not overlap."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dragoman.types.usage import TokenBuckets, token_buckets

COUNTS = st.integers(0, 1000)
DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "cached_tokens": COUNTS,
        "cache_creation_tokens": COUNTS,
        "cache_creation_token_details": st.fixed_dictionaries({"ephemeral_1h_input_tokens": COUNTS}),
        "audio_tokens": COUNTS,
        "image_tokens": COUNTS,
    },
)
PRODUCED = st.fixed_dictionaries(
    {}, optional={"reasoning_tokens": COUNTS, "audio_tokens": COUNTS, "image_tokens": COUNTS}
)


@given(COUNTS, COUNTS, DETAILS, PRODUCED)
def test_buckets_sum_to_the_totals(read: int, written: int, details: Any, produced: Any) -> None:
    buckets = token_buckets(
        {
            "prompt_tokens": read,
            "completion_tokens": written,
            "prompt_tokens_details": details,
            "completion_tokens_details": produced,
        }
    )
    values = dataclasses.asdict(buckets)
    outputs = {"output", "reasoning", "output_audio", "output_image"}
    assert sum(value for name, value in values.items() if name not in outputs) == read
    assert sum(value for name, value in values.items() if name in outputs) == written
    assert min(values.values()) >= 0


def test_each_detail_has_its_bucket() -> None:
    buckets = token_buckets(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {
                "cached_tokens": 10,
                "cache_creation_tokens": 30,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "audio_tokens": 5,
            },
            "completion_tokens_details": {"reasoning_tokens": 15},
        }
    )
    assert buckets == TokenBuckets(
        input=55, cache_read=10, cache_write_5m=10, cache_write_1h=20, input_audio=5, output=35, reasoning=15
    )
    assert token_buckets({}) == TokenBuckets()
