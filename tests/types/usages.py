"""Usages for property tests: sound ones, and nonsense that a provider may send."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dragoman.types.usage import (
    CacheCreationTokenDetails,
    CachedTokensDetails,
    CompletionTokensDetails,
    PromptTokensDetails,
    ServerToolUse,
)

__all__ = ["USAGES"]

COUNTS = st.integers(0, 1000)
NONSENSE = st.one_of(
    st.none(), st.booleans(), st.floats(), st.text(max_size=3), st.integers(-1000, -1), st.lists(COUNTS)
)
ODD_COUNTS = st.one_of(COUNTS, COUNTS, COUNTS, NONSENSE)


def _fields(of: Any, **nested: Any) -> st.SearchStrategy[Any]:
    fields = {name: ODD_COUNTS for name in of.__annotations__} | nested
    return st.one_of(st.fixed_dictionaries({}, optional=fields), NONSENSE)


USAGES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": ODD_COUNTS,
        "completion_tokens": ODD_COUNTS,
        "total_tokens": ODD_COUNTS,
        "prompt_tokens_details": _fields(
            PromptTokensDetails,
            cached_tokens_details=_fields(CachedTokensDetails),
            cache_creation_token_details=_fields(CacheCreationTokenDetails),
        ),
        "completion_tokens_details": _fields(CompletionTokensDetails),
        "server_tool_use": _fields(ServerToolUse),
        "iterations": st.one_of(
            NONSENSE,
            st.lists(
                st.one_of(
                    NONSENSE,
                    st.fixed_dictionaries(
                        {"type": st.sampled_from(["message", "compaction", "advisor_message"])},
                        optional={"input_tokens": ODD_COUNTS, "output_tokens": ODD_COUNTS, "cache_creation": NONSENSE},
                    ),
                ),
                max_size=3,
            ),
        ),
        "service_tier": st.one_of(st.sampled_from(["default", "flex", "batch"]), NONSENSE),
        "speed": st.one_of(st.just("fast"), NONSENSE),
        "cost": st.one_of(st.floats(), NONSENSE),
        "prompt_audio_seconds": ODD_COUNTS,
    },
)
