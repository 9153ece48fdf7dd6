"""What came from a cache is part of the input, however Google counts it."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects.gemini.usage import read_usage


@pytest.mark.parametrize(
    ("prompt", "more", "total", "expected"),
    [
        (30, {}, 2035, 2030),  # beside the prompt
        (30, {}, None, 2030),
        (3000, {}, 5005, 5000),  # beside it, as only the total shows
        (3000, {}, 3005, 3000),  # within it, as documented
        (3000, {}, None, 3000),
        (2000, {}, 2005, 2000),
        (30, {"toolUsePromptTokenCount": 7, "thoughtsTokenCount": 2}, 2044, 2037),
    ],
)
def test_the_input_holds_the_cached_tokens_once(
    prompt: int, more: dict[str, int], total: int | None, expected: int
) -> None:
    metadata: dict[str, Any] = {"promptTokenCount": prompt, "cachedContentTokenCount": 2000, "candidatesTokenCount": 5}
    usage = read_usage({**metadata, **more, **({"totalTokenCount": total} if total else {})})
    assert usage is not None
    assert usage["prompt_tokens"] == expected
    assert usage["prompt_tokens_details"]["cached_tokens"] == 2000
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
