"""`dragoman replay` of logs of others, and of very long ones."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import Any

from dragoman.routing.replay import read_log
from tests.gateway.replaying import PRICED, call, entry, kinds, run


def spend(**more: Any) -> dict[str, Any]:
    """A row of LiteLLM's spend logs."""
    return {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "0123",
        "spend": 0.0012,
        "total_tokens": 1100,
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "startTime": "2026-09-21T10:00:00.000Z",
        "endTime": "2026-09-21T10:00:02.500Z",
        "completionStartTime": "2026-09-21T10:00:00.500Z",
        "model": "openai/old",
        "model_id": "6b1f",
        "model_group": "smart",
        "custom_llm_provider": "openai",
        "cache_hit": "False",
        "request_tags": "[]",
        "status": "success",
        "metadata": json.dumps({"status": "success", "error_information": None}),
        "messages": "{}",
        **more,
    }


def test_spend_logs_of_litellm_are_read(tmp_path: Path) -> None:
    error = {"error_class": "RateLimitError", "error_code": "429"}
    rows = [
        spend(),
        spend(spend=0),
        spend(cache_hit="True", spend=0),
        spend(status="failure", spend=0, metadata={"status": "failure", "error_information": error}),
        spend(call_type="aimage_generation"),
        spend(startTime="whenever", endTime=None),
    ]
    told = run(tmp_path, rows, [entry("smart", "openai/old", **PRICED)], "--json", num_retries=0)
    assert kinds(told) == {"unchanged": 2, "fails_again": 1, "not_judged": 1}
    assert told["doubts"] == {"answered from a cache": 1}
    assert told["cost"] == {"before": "0.0012", "after": "0.0012", "calls": 1, "unknown": 1}
    assert told["milliseconds"] == {"before": 2500.0, "after": 2500.0, "calls": 2, "unknown": 0}
    assert [row["reason"].partition(":")[0] for row in told["malformed_lines"]] == ["operation", "time"]
    moved = run(tmp_path, [spend(), spend(status="failure")], [entry("smart", "openai/new", **PRICED)], "--json")
    assert moved["moves"][0]["before"] == "openai/old"


def test_tags_of_spend_logs_decide(tmp_path: Path) -> None:
    models = [entry("smart", "openai/old", tags=["slow"]), entry("smart", "openai/new", tags=["fast"])]
    told = run(tmp_path, [spend(request_tags='["fast"]')], models, "--json", enable_tag_filtering=True)
    assert told["moved"] == 1


def test_a_log_that_is_too_long_for_memory_is_the_same_in_any_order() -> None:
    rows = [call(number, milliseconds=5, model=f"m{number}") for number in range(500)]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    random.Random(5).shuffle(lines)
    for run_bytes in (2_000, 50_000, 2**30):
        with contextlib.closing(read_log(lines, run_bytes)) as log:
            assert [each.model for each in log] == [row["model"] for row in rows]
            assert [each.model for each in log] == [row["model"] for row in rows]  # and once more
            assert log.calls == 500


def test_calls_at_the_same_moment_are_in_the_order_of_their_lines() -> None:
    lines = [json.dumps(call(model=f"m{number}")).encode() for number in range(30)]
    with contextlib.closing(read_log(lines, 2_000)) as log:
        assert [each.model for each in log] == [f"m{number}" for number in range(30)]
