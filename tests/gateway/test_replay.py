"""`dragoman replay`: the gateway's own log under another configuration, and what comes out is what the prices and limits say."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from dragoman.cli.main import app
from dragoman.gateway.logs import setup
from dragoman.gateway.logs.redactor import Redactor
from tests.gateway.replaying import PRICED, START, call, entry, kinds, run
from tests.gateway.serving import KEY, Upstream, gateway, model, serving


def test_calls_that_move_are_priced_anew(tmp_path: Path) -> None:
    rows = [call(number) for number in range(3)]
    rows.append(call(9, answered_by="new", deployment="other:0", cost="unpriced", milliseconds=100, model="other"))
    models = [entry("smart", "openai/new", **PRICED), entry("other", "openai/new", **PRICED)]
    told = run(tmp_path, rows, models, "--json")
    assert kinds(told) == {"unchanged": 1, "moved": 3}
    assert told["assumed"] == 3
    [move] = told["moves"]
    assert (move["before"], move["after"], move["calls"]) == ("openai/old", "openai/new", 3)
    assert move["cost"] == {"before": "0.0036", "after": "0.0036", "calls": 3, "unknown": 0}
    assert move["milliseconds"] == {"before": 500.0, "after": 100.0, "calls": 3, "unknown": 0}
    assert move["sample"] == 1
    assert told["cost"]["unknown"] == 1
    models[0]["litellm_params"]["output_cost_per_token"] = 12e-6
    assert run(tmp_path, rows, models, "--json")["cost"] == {
        "before": "0.0036",
        "after": "0.0066",
        "calls": 3,
        "unknown": 1,
    }


def test_what_nobody_knows_is_said(tmp_path: Path) -> None:
    said = run(tmp_path, [call()], [entry("smart", "openai/never-seen")])
    for words in (
        "1 calls",
        "1  to another model or provider",
        "openai/old -> openai/never-seen",
        "cost     unknown (unknown for 1 calls)",
        "latency  unknown (unknown for 1 calls)",
    ):
        assert words in said, said


def test_limits_count_at_the_times_of_the_log(tmp_path: Path) -> None:
    """Three calls in a minute where two may go, and one after it."""
    rows = [call(number) for number in (0, 1, 2, 70)]
    models = [entry("smart", "openai/old", rpm=2, **PRICED), entry("backup", "openai/new", **PRICED)]
    hasty = run(tmp_path, rows, models[:1], "--json", queue={"max_size": 0})
    assert kinds(hasty) == {"unchanged": 3, "becomes_failure": 1}
    [(reason, count)] = hasty["reasons"].items()
    assert "smart:0:rpm is at its limit of 2" in reason
    assert count == 1
    waiting = run(tmp_path, rows, models[:1], "--json")
    assert kinds(waiting) == {"unchanged": 4}
    # The third waits until the first is out of the window, which is divided into steps.
    assert waiting["milliseconds"]["before"] == 500.0
    assert 500 + 58_000 / 4 <= waiting["milliseconds"]["after"] <= 500 + 60_000 / 4
    helped = run(tmp_path, rows, models, "--json", fallbacks=[{"smart": ["backup"]}])
    assert kinds(helped) == {"unchanged": 3, "moved": 1}
    assert helped["by_fallback"] == 1


def test_calls_that_overlap_count_as_in_flight(tmp_path: Path) -> None:
    rows = [call(number / 10, milliseconds=milliseconds) for number, milliseconds in ((99, 9900), (5, 400), (90, 100))]
    models = [entry("smart", "openai/old"), entry("smart", "openai/old", weight=1)]
    told = run(tmp_path, rows, models, "--json", routing_strategy="least-busy")
    assert kinds(told) == {"unchanged": 1, "elsewhere": 2}
    tight = [entry("smart", "openai/old", max_parallel_requests=1)]
    assert kinds(run(tmp_path, rows, tight, "--json", queue={"max_size": 0})) == {"unchanged": 1, "becomes_failure": 2}


def test_chance_is_the_same_each_time_and_another_with_another_seed(tmp_path: Path) -> None:
    rows = [call(number) for number in range(600)]
    models = [entry("smart", "openai/old"), entry("smart", "openai/new"), entry("smart", "openai/newer")]
    first, second = (run(tmp_path, rows, models, "--json") for _ in range(2))
    other = run(tmp_path, rows, models, "--json", "--seed", "7")
    assert first == second
    assert first["moves"] != other["moves"]
    assert kinds(first).keys() == {"unchanged", "moved"}
    assert 340 <= first["moved"] <= 460  # two thirds


def test_routes_and_abilities_see_the_length_and_the_request(tmp_path: Path) -> None:
    long = call(1, usage={"prompt_tokens": 50_000, "completion_tokens": 10, "total_tokens": 50_010})
    messages = [{"role": "user", "content": "hi"}]
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    tools = call(2, request={"messages": messages, "tools": [tool]})
    routes = [
        {"if": {"tokens_above": 20_000}, "use": "big"},
        {"if": {"tools": True}, "use": "able"},
    ]
    models = [entry("smart", "openai/old"), entry("big", "openai/big"), entry("able", "openai/able")]
    told = run(tmp_path, [call(), long, tools], models, "--json", routes=routes)
    assert [(move["after"], move["calls"]) for move in told["moves"]] == [("openai/able", 1), ("openai/big", 1)]


@pytest.mark.parametrize("operation", ["embedding", "text_completion", "count_tokens"])
def test_other_operations_are_replayed(tmp_path: Path, operation: str) -> None:
    told = run(tmp_path, [call(operation=operation)], [entry("smart", "openai/new", **PRICED)], "--json")
    assert told["moved"] == 1
    assert told["cost"]["after"] == ("0" if operation == "count_tokens" else "0.0012")


def test_lines_that_tell_of_no_call_are_counted_and_malformed_ones_are_named(tmp_path: Path) -> None:
    rows: list[Any] = [
        "{",
        "[1]",
        "null",
        {"message": "hello"},
        {"model": "x", "time": START},
        "",
        call(time="yesterday"),
        call(),
    ]
    rows += [
        call(model=None),
        call(usage=[]),
        call(usage={"prompt_tokens": "9"}),
        call(cost="dear"),
        call(operation="dream"),
    ]
    rows += [call(tried=["?"]), call(attempts=[{"deployment": 7}]), call(milliseconds=-1), call(request="hi"), "\x00"]
    told = run(tmp_path, rows, [entry("smart", "openai/old")], "--json")
    assert (told["calls"], told["skipped"], told["malformed"]) == (1, 2, 14)
    assert {row["line"]: row["reason"].partition(":")[0] for row in told["malformed_lines"]} == {
        1: "not JSON",
        2: "expected a JSON object",
        3: "expected a JSON object",
        7: "time",
        9: "model",
        10: "usage",
        11: "usage.prompt_tokens",
        12: "cost",
        13: "operation",
        14: "tried[0]",
        15: "attempts[0].deployment",
        16: "milliseconds",
        17: "request",
        18: "not JSON",
    }
    said = run(tmp_path, [call(), "{", *["[]"] * 30], [entry("smart", "openai/old")])
    assert "malformed: 31" in said
    assert "line 2: not JSON" in said
    assert "and 11 more" in said


def test_a_log_without_calls_is_refused(tmp_path: Path) -> None:
    code, said = run(tmp_path, ["{}", "?"], [entry("smart", "openai/old")])
    assert code == 2
    assert "tells of no call (lines that tell of something else: 1, malformed: 1)" in said
    assert "line 2: not JSON" in said
    code, said = run(tmp_path, ["2026-11-29 INFO a line for people", "another one"], [entry("smart", "openai/old")])
    assert code == 2
    assert "is no JSON log: write it with `dragoman serve --log-format json` and log_requests: true" in said
    assert "line 1" not in said
    code, said = run(tmp_path, [], [entry("smart", "openai/old")])
    assert code == 2
    assert "is empty" in said
    result = CliRunner().invoke(app, ["replay", "--log", str(tmp_path), "--config", str(tmp_path / "new.yaml")])
    assert result.exit_code == 2
    assert "cannot be read" in result.output


def test_a_model_that_is_no_more_makes_failures(tmp_path: Path) -> None:
    told = run(tmp_path, [call(model="gone")], [entry("smart", "openai/old")], "--json")
    assert kinds(told) == {"becomes_failure": 1}
    [reason] = told["reasons"]
    assert "'gone' does not exist here" in reason
    assert told["cost"] == {"before": None, "after": None, "calls": 0, "unknown": 0}


@pytest.mark.usefixtures("_loggers_as_they_were")
async def test_the_log_of_a_gateway_can_be_replayed(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        setup.set_up(Redactor(frozenset()), level=setup.Level.INFO, json=True, requests=True)
        async with serving(Upstream()) as there:
            general = {"master_key": KEY, "log_requests": True}
            async with gateway([model(there, **PRICED)], general_settings=general) as here:
                hello = {"messages": [{"role": "user", "content": "canary-prompt"}], "max_tokens": 9}
                for path in ("/v1/chat/completions", "/v1/messages"):
                    async with client.post(f"{here}{path}", json={**hello, "model": "smart"}) as reply:
                        assert reply.status == 200
                gemini = {"contents": [{"parts": [{"text": "canary-prompt"}]}]}
                async with client.post(f"{here}/v1beta/models/smart:generateContent", json=gemini) as reply:
                    assert reply.status == 200
                async with client.get(f"{here}/health") as reply:
                    assert reply.status == 200
    written = out.getvalue()
    for secret in ("canary", KEY, "127.0.0.1"):
        assert secret not in written
    dear = {"input_cost_per_token": 1e-3, "output_cost_per_token": 1e-3}
    dearer = [entry("smart", "anthropic/other", **dear)]
    told = await asyncio.to_thread(run, tmp_path, written.splitlines(), dearer, "--json")
    assert (told["calls"], told["moved"], told["skipped"], told["malformed"]) == (3, 3, 1, 0)
    assert told["moves"][0]["before"] == "openai/real-smart"
    assert told["cost"] == {"before": "0.000021", "after": "0.015", "calls": 3, "unknown": 0}
