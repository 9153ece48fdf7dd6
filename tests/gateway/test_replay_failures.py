"""`dragoman replay` of calls that failed: the router retries and falls back, and the errors are those of the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.replaying import PRICED, call, entry, kinds, run


def failed(number: float = 0, error: str = "InternalServerError", status: int = 500, **more: Any) -> dict[str, Any]:
    """A call whose attempts at `smart:0` all failed."""
    times = more.pop("times", 3)
    return call(
        number,
        error=error,
        cost=None,
        usage=None,
        attempts=times,
        tried=[f"smart:0 {error} {status} 10ms"] * times,
        **more,
    )


def test_a_chain_of_fallbacks_is_followed_as_far_as_max_fallbacks(tmp_path: Path) -> None:
    rows = [failed(number, times=1) for number in range(3)]
    models = [
        entry(name, "openai/old" if name == "smart" else f"openai/{name}") for name in ("smart", "second", "third")
    ]
    models[1]["litellm_params"]["max_parallel_requests"] = 1
    busy = call(-5, model="second", answered_by="second", deployment="second:0", milliseconds=20_000, stream=False)
    chain: dict[str, Any] = {"fallbacks": [{"smart": ["second"]}, {"second": ["third"]}], "num_retries": 0}
    # `second` has no room, so its own fallback is asked.
    told = run(tmp_path, [busy | {"time": busy["time"] + 20}, *rows], models, "--json", **chain, queue={"max_size": 0})
    assert kinds(told) == {"unchanged": 1, "becomes_answer": 3}
    assert told["answers"] == {"InternalServerError -> openai/third": 3}
    assert told["by_fallback"] == 3
    short = run(
        tmp_path,
        [busy | {"time": busy["time"] + 20}, *rows],
        models,
        "--json",
        **chain,
        queue={"max_size": 0},
        max_fallbacks=1,
    )
    assert kinds(short) == {"unchanged": 1, "fails_again": 3}


def test_a_call_that_was_answered_at_its_second_attempt_needs_its_retry(tmp_path: Path) -> None:
    row = call(attempts=2, tried=["smart:0 InternalServerError 500 10ms", "smart:0 answered 80ms"], milliseconds=400)
    models = [entry("smart", "openai/old", **PRICED)]
    told = run(tmp_path, [row], models, "--json", num_retries=1)
    assert kinds(told) == {"unchanged": 1}
    assert told["milliseconds"] == {"before": 400, "after": 400, "calls": 1, "unknown": 0}
    none = run(tmp_path, [row], models, "--json", num_retries=0)
    assert kinds(none) == {"becomes_failure": 1}
    assert "InternalServerError" in next(iter(none["reasons"]))


def test_more_retries_than_the_log_tells_of_cannot_be_judged(tmp_path: Path) -> None:
    told = run(tmp_path, [failed(times=2)], [entry("smart", "openai/old")], "--json", num_retries=4)
    assert kinds(told) == {"not_judged": 1}
    assert "more often" in next(iter(told["doubts"]))
    assert kinds(run(tmp_path, [failed(times=2)], [entry("smart", "openai/old")], "--json", num_retries=1)) == {
        "fails_again": 1
    }


def test_logged_failures_take_a_deployment_out_for_the_calls_after_them(tmp_path: Path) -> None:
    """Four failures in a row are no chance any more; a call within the cooldown goes elsewhere, one after it does not."""
    rows = [failed(number, times=1) for number in range(4)]
    rows += [call(5), call(400)]
    models = [entry("smart", "openai/old", order=0), entry("backup", "openai/new")]
    settings: dict[str, Any] = {"num_retries": 0, "allowed_fails": 3, "cooldown_time": 60}
    told = run(tmp_path, rows, models, "--json", **settings, fallbacks=[{"smart": ["backup"]}])
    assert kinds(told) == {"becomes_answer": 4, "moved": 1, "unchanged": 1}
    without = run(
        tmp_path, rows, models, "--json", **settings, disable_cooldowns=True, fallbacks=[{"smart": ["backup"]}]
    )
    assert kinds(without) == {"becomes_answer": 4, "unchanged": 2}


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        ("ContextWindowExceededError", "context_window_fallbacks"),
        ("ContentPolicyViolationError", "content_policy_fallbacks"),
    ],
)
def test_special_errors_go_to_their_own_fallbacks(tmp_path: Path, error: str, setting: str) -> None:
    """Whether the other model takes such a request nobody knows; that the same one refuses it again is known."""
    rows = [failed(error=error, status=400, times=1)]
    models = [entry("smart", "openai/old"), entry("big", "openai/big"), entry("same", "openai/old")]
    told = run(tmp_path, rows, models, "--json", **{setting: [{"smart": ["big"]}]})
    assert kinds(told) == {"not_judged": 1}
    assert "refused its request" in next(iter(told["doubts"]))
    assert kinds(run(tmp_path, rows, models, "--json", **{setting: [{"smart": ["same"]}]})) == {"fails_again": 1}
    assert kinds(run(tmp_path, rows, models, "--json")) == {"fails_again": 1}


def test_a_deployment_that_fails_for_others_is_not_taken_to_answer(tmp_path: Path) -> None:
    """The fallback was down at that time, and is up an hour later."""
    rows: list[dict[str, Any]] = []
    for start in (0, 3600):
        rows.append(call(start, model="backup", deployment="backup:0", answered_by="new"))
        if not start:
            rows[-1] |= {
                "error": "ServiceUnavailableError",
                "attempts": 1,
                "tried": ["backup:0 ServiceUnavailableError 503 9ms"],
            }
        rows.append(failed(start + 5, times=1))
    models = [entry("smart", "openai/old"), entry("backup", "openai/new")]
    told = run(tmp_path, rows, models, "--json", num_retries=0, fallbacks=[{"smart": ["backup"]}])
    assert kinds(told) == {"unchanged": 1, "fails_again": 2, "becomes_answer": 1}
    assert (told["inferred"], told["assumed"]) == (1, 1)


def test_a_shorter_timeout_makes_failures_of_slow_answers(tmp_path: Path) -> None:
    rows = [call(milliseconds=900), call(10, milliseconds=5000)]
    told = run(tmp_path, rows, [entry("smart", "openai/old", timeout=2)], "--json", num_retries=0)
    assert kinds(told) == {"unchanged": 1, "becomes_failure": 1}
    assert "Timeout" in next(iter(told["reasons"]))


def test_calls_whose_end_says_nothing_of_the_configuration_are_not_judged(tmp_path: Path) -> None:
    rows = [
        call(error="CallerLeft", cost=None),
        call(1, error="BudgetExceededError", attempts=0, deployment=None, provider=None, answered_by=None),
        call(2, error="BadRequestError", attempts=0, deployment=None, provider=None, answered_by=None),
        call(3, error="SomethingElse"),
    ]
    told = run(tmp_path, rows, [entry("smart", "openai/old")], "--json")
    assert kinds(told) == {"not_judged": 4}
    assert sorted(told["doubts"]) == [
        "failed with BudgetExceededError, which is no error of a provider",
        "failed with SomethingElse, which is no error of a provider",
        "refused with BadRequestError before a deployment was asked",
        "the caller left",
    ]


def test_a_stream_that_broke_off_breaks_off_again_where_it_did(tmp_path: Path) -> None:
    row = call(error="APIConnectionError", attempts=1, stream=True)
    told = run(tmp_path, [row], [entry("smart", "openai/old")], "--json")
    assert kinds(told) == {"fails_again": 1}
    assert "what a stream that broke off meant for the health of its deployment" in told["not_known"]
    assert kinds(run(tmp_path, [row], [entry("smart", "openai/new")], "--json")) == {"becomes_answer": 1}


def test_what_the_configuration_looks_at_and_the_log_does_not_have_is_counted(tmp_path: Path) -> None:
    hello = {"messages": [{"role": "user", "content": "hi"}]}
    rows = [call(), call(1, request=hello), call(2, metadata={"tags": ["fast"]})]
    models = [entry("smart", "openai/old"), entry("smart", "openai/new", tags=["fast"])]
    routes = [{"if": {"tools": True}, "use": "smart"}]
    told = run(tmp_path, rows, models, "--json", routes=routes, enable_tag_filtering=True)
    assert {words.partition(",")[0].partition(":")[0]: count for words, count in told["not_known"].items()} == {
        "what its request holds": 2,
        "its tags": 2,
    }
    assert [(move["after"], move["calls"]) for move in told["moves"]] == [("openai/new", 1)]


def test_a_parameter_that_the_new_provider_cannot_express_makes_a_failure(tmp_path: Path) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}], "logit_bias": {"1": 5}}
    models = [entry("smart", "anthropic/new")]
    told = run(tmp_path, [call(request=request), call(9)], models, "--json")
    assert kinds(told) == {"becomes_failure": 1, "moved": 1}
    assert "UnsupportedParamsError" in next(iter(told["reasons"]))
    assert kinds(run(tmp_path, [call(request=request)], models, "--json", drop_params=True)) == {"moved": 1}


def test_a_request_that_is_none_is_not_judged_and_does_no_harm(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    broken = [
        {"messages": 5},
        {"messages": [None]},
        {"messages": [{"role": "user", "content": 7}], "tools": 3},
        {"messages": deep},
    ]
    rows = [call(number, request=request) for number, request in enumerate(broken)]
    many = {"prompt_tokens": 10**11, "completion_tokens": 1}
    models = [entry("smart", "openai/old", tpm=10**12, **PRICED), entry("smart", "anthropic/new", tpm=10**12, **PRICED)]
    told = run(
        tmp_path,
        [*rows, call(9, usage=many), call(10)],
        models,
        "--json",
        routes=[{"if": {"tools": True}, "use": "smart"}],
    )
    assert told["calls"] == 6
    assert told["unchanged"] >= 2
    assert set(told["doubts"]) <= {"its request is none in OpenAI's shape"}
