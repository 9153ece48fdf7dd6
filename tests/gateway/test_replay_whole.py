"""From calls to their log and on to `dragoman replay`: with the same configuration nothing moves, with another what must."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dragoman import APIError, AttemptEnded, CallLog, CallSucceeded, NotFoundError, Router
from dragoman.gateway.logs import setup
from dragoman.gateway.logs.redactor import Redactor
from dragoman.simulator.app import SimulatorSettings
from dragoman.simulator.app import app as simulator
from dragoman.simulator.faults import Faults
from dragoman.types.call_record import Attempt, CallRecord
from tests.gateway.replaying import entry, kinds, run
from tests.gateway.serving import KEY, PROVIDER_KEY, gateway, serving

PRICES: tuple[dict[str, Any], ...] = (
    {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
    {"input_cost_per_token": 3e-6, "output_cost_per_token": 15e-6},
)
SETTINGS: dict[str, Any] = {"num_retries": 1, "fallbacks": [{"broken": ["smart"]}]}
SAID = [{"role": "user", "content": "canary-prompt"}]
ASKED = ["smart", "smart", "broken", "smart", "flaky", "smart", "broken", "smart", "dead", "smart", "gone"]
"""Of these `broken` is answered by its fallback, `flaky` at its second attempt, and the last two fail."""


def models(there: str) -> list[dict[str, Any]]:
    where = {"api_base": there}
    return [
        entry("smart", "openai/gpt-4o", **where, **PRICES[0]),
        entry("smart", "anthropic/claude-sonnet-4-5", **where, **PRICES[1]),
        entry("broken", "openai/sim[error=503]", **where, **PRICES[0]),
        entry("flaky", "openai/sim[error=500;times=1]", **where, **PRICES[0]),
        entry("dead", "openai/sim[error=500]", **where, **PRICES[0]),
    ]


@pytest.fixture
async def provider() -> AsyncIterator[str]:
    async with serving(simulator(SimulatorSettings(0, Faults(), False))) as there:
        yield there


async def check(folder: Path, lines: list[str], there: str, failures: dict[str, int]) -> None:
    for secret in ("canary", KEY, PROVIDER_KEY, there):
        assert secret not in "".join(lines)
    same = await asyncio.to_thread(run, folder, lines, models(there), "--json", **SETTINGS)
    assert kinds(same) == {"unchanged": 9, **failures}, (same, lines)
    assert (same["by_fallback"], same["assumed"], same["malformed"]) == (2, 0, 0)
    assert same["cost"]["before"] == same["cost"]["after"] != "0"
    assert (same["cost"]["calls"], same["cost"]["unknown"]) == (9, 0)
    assert same["milliseconds"]["before"] == pytest.approx(same["milliseconds"]["after"], abs=0.1)
    other = [each for each in models(there) if each["model_name"] != "smart"]
    other.append(entry("smart", "gemini/gemini-2.5-flash", api_base=there, **PRICES[0]))
    moved = await asyncio.to_thread(run, folder, lines, other, "--json", **SETTINGS)
    assert kinds(moved) == {"unchanged": 1, "moved": 8, **failures}
    assert {move["after"] for move in moved["moves"]} == {"gemini/gemini-2.5-flash"}
    assert moved["milliseconds"]["unknown"] == 8


async def test_the_log_of_a_router(provider: str, tmp_path: Path) -> None:
    path = tmp_path / "written.jsonl"
    with CallLog(path) as log:
        router = Router(models(provider), listeners=[log], **SETTINGS)
        for number, name in enumerate(ASKED):
            with contextlib.suppress(APIError, NotFoundError):
                if number % 2:
                    async for _ in await router.acompletion(name, SAID, stream=True):
                        pass
                else:
                    await router.acompletion(name, SAID)
        await router.aclose()
    # A router of the SDK asks models in no list too, and refuses those of providers that nobody knows.
    await check(tmp_path, path.read_text().splitlines(), provider, {"fails_again": 1, "not_judged": 1})


@pytest.mark.usefixtures("_loggers_as_they_were")
async def test_the_log_of_a_gateway(provider: str, client: aiohttp.ClientSession, tmp_path: Path) -> None:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        setup.set_up(Redactor(frozenset()), level=setup.Level.INFO, json=True, requests=True)
        general = {"master_key": KEY, "log_requests": True}
        async with gateway(models(provider), general_settings=general, router_settings=SETTINGS) as here:
            for number, name in enumerate(ASKED):
                body = {"model": name, "messages": SAID, "stream": bool(number % 2)}
                async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
                    await reply.read()
    await check(tmp_path, out.getvalue().splitlines(), provider, {"fails_again": 2})


def test_a_call_log_that_is_closed_writes_no_more(tmp_path: Path) -> None:
    log = CallLog(tmp_path / "calls.jsonl", now=lambda: 5.0)
    record = CallRecord(request_id="a", operation="chat", model="smart", started_at=3.0)
    record.add_attempt(Attempt(deployment="smart:0", provider="openai", model="new", milliseconds=2000.0))
    log(AttemptEnded(record, record.attempts[0]))
    log(CallSucceeded(record))
    log.close()
    log(CallSucceeded(CallRecord(request_id="b", operation="chat", model="smart")))
    [line] = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert '"milliseconds":2000.0' in line
    assert '"request_id":"a"' in line
