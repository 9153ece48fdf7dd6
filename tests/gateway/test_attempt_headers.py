"""Every attempt of a call is told: to its caller in headers, to the operator in the log, and no key or address in either."""

from __future__ import annotations

import logging
from typing import Any

import aiohttp
import orjson
import pytest

from dragoman.gateway.http.attempt_log import attempt_log
from dragoman.gateway.http.response_headers import call_headers
from dragoman.gateway.logs.redactor import Redactor
from dragoman.routing import Attempt
from dragoman.types.call_record import CallRecord
from tests.gateway.serving import KEY, PROVIDER_KEY, Upstream, chat_chunks, chat_reply, gateway, model, serving

HELLO = [{"role": "user", "content": "hi"}]
ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/chat/completions", {"model": "smart", "messages": HELLO}),
    "openai-stream": ("/v1/chat/completions", {"model": "smart", "messages": HELLO, "stream": True}),
    "anthropic": ("/v1/messages", {"model": "smart", "messages": HELLO, "max_tokens": 9}),
    "anthropic-stream": ("/v1/messages", {"model": "smart", "messages": HELLO, "max_tokens": 9, "stream": True}),
    "gemini": ("/v1beta/models/smart:generateContent", {"contents": [{"parts": [{"text": "hi"}]}]}),
    "gemini-stream": (
        "/v1beta/models/smart:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    ),
}


async def good(upstream: Upstream) -> None:
    if upstream.bodies[-1].get("stream"):
        await upstream.stream(chat_chunks("Hello"))
    else:
        await upstream.json(chat_reply())


async def bad(upstream: Upstream) -> None:
    await upstream.json({"error": {"message": f"no, {PROVIDER_KEY}"}}, 500)


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.rows.append(record)


@pytest.fixture
def lines() -> Any:
    logger, heard = logging.getLogger("dragoman.gateway.requests"), Lines()
    before = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    yield heard.rows
    logger.removeHandler(heard)
    logger.setLevel(before)


def log_of(headers: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(headers["x-dragoman-attempt-log"])
    return found


@pytest.mark.parametrize("ask", ASKS)
async def test_a_fallback_is_told_with_each_attempt(
    client: aiohttp.ClientSession, lines: list[logging.LogRecord], ask: str
) -> None:
    path, body = ASKS[ask]
    async with serving(Upstream(bad)) as broken, serving(Upstream(good)) as well:
        models = [model(broken), model(well, "backup")]
        settings = {"num_retries": 0, "fallbacks": [{"smart": ["backup"]}]}
        general = {"master_key": KEY, "log_requests": True}
        async with gateway(models, router_settings=settings, general_settings=general) as here:
            async with client.post(f"{here}{path}", json=body) as reply:
                await reply.read()
            headers = reply.headers
    assert reply.status == 200
    assert headers["x-dragoman-attempts"] == "2"
    assert headers["x-dragoman-deployment"] == "backup:0"
    assert headers["x-dragoman-fallback"] == "backup"
    first, second = log_of(headers)
    assert (first["deployment"], first["error"], first["status"]) == ("smart:0", "InternalServerError", 500)
    assert (second["deployment"], second["alias"]) == ("backup:0", "backup")
    assert "error" not in second
    assert all(isinstance(row["ms"], int) and row["why"] for row in (first, second))
    for secret in (PROVIDER_KEY, "127.0.0.1", KEY):
        assert secret not in str(headers)
    [line] = lines
    told = vars(line)
    assert (told["deployment"], told["fallback"], told["answered_by"]) == ("backup:0", "backup", "real-backup")
    assert (told["operation"], told["stream"]) == ("chat", ask.endswith("stream"))
    assert [said.rpartition(" ")[0] for said in told["tried"]] == [
        "smart:0 InternalServerError 500",
        "backup:0 answered",
    ]
    if not told["stream"]:
        assert told["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.mark.parametrize("ask", ASKS)
async def test_an_error_tells_the_attempts_that_were_made(client: aiohttp.ClientSession, ask: str) -> None:
    path, body = ASKS[ask]
    async with serving(Upstream(bad)) as broken:
        models = [model(broken, order=1), model(broken, order=2)]
        async with gateway(models, router_settings={"num_retries": 1}) as here:
            async with client.post(f"{here}{path}", json=body) as reply:
                text = await reply.text()
            headers = reply.headers
    assert reply.status == 500
    assert headers["x-dragoman-attempts"] == "2"
    assert "x-dragoman-deployment" not in headers
    assert [row["error"] for row in log_of(headers)] == ["InternalServerError"] * 2
    assert {row["deployment"] for row in log_of(headers)} == {"smart:0", "smart:1"}
    assert PROVIDER_KEY not in f"{headers}{text}"


async def test_who_was_passed_over_is_told(client: aiohttp.ClientSession) -> None:
    limited = Upstream(lambda up: up.json({"error": {"message": "slow down"}}, 429, {"retry-after": "60"}))
    async with serving(limited) as busy, serving(Upstream(good)) as well:
        models = [model(busy, order=1), model(well, order=2)]
        async with gateway(models) as here:
            for _ in range(2):
                async with client.post(f"{here}/v1/chat/completions", json=ASKS["openai"][1]) as reply:
                    assert reply.status == 200
    [row] = log_of(reply.headers)
    assert row["deployment"] == "smart:1"
    [[passed, reason]] = row["passed_over"]
    assert passed == "smart:0"
    assert "429" in reason
    assert len(limited.bodies) == 1


def attempts(count: int, reason: str = "") -> list[Attempt]:
    return [
        Attempt(
            deployment=f"smart\r\n\u2603:{number}",
            provider="openai",
            model="x",
            milliseconds=1.6,
            error="Timeout",
            alias="smart",
            why="by chance" + reason,
            passed_over=(("other", "out" + reason),),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("count", "reason"), [(1, ""), (3, "y" * 900), (40, ""), (500, "z" * 5000)])
def test_the_log_is_small_and_fit_for_a_header(count: int, reason: str) -> None:
    text = attempt_log(attempts(count, reason))
    assert len(text) <= 2048
    assert text.isascii()
    assert text.isprintable()
    rows = orjson.loads(text)
    kept = [row for row in rows if "deployment" in row]
    left_out = sum(row.get("left_out", 0) for row in rows)
    assert len(kept) + left_out == count
    assert kept[0]["deployment"].endswith(":0")
    assert kept[-1]["deployment"].endswith(f":{count - 1}")
    assert ("passed_over" in kept[0]) == (count == 1)


def headers_of(*attempts: Attempt) -> dict[bytes, bytes]:
    record = CallRecord(request_id="req_1", operation="chat", model="smart", attempts=list(attempts))
    return dict(call_headers(record, Redactor(())))


def test_the_deployment_that_answered_is_named_though_another_was_left_after_it() -> None:
    made = Attempt(deployment="smart:1", provider="openai", model="x", milliseconds=1)
    left = Attempt(deployment="smart:0", provider="openai", model="x", milliseconds=2, error="Hedged")
    assert headers_of(made, left)[b"x-dragoman-deployment"] == b"smart:1"
    assert b"x-dragoman-deployment" not in headers_of(left)


def test_a_name_without_end_leaves_the_number_of_attempts() -> None:
    endless = Attempt(deployment="d" * 5000, provider="openai", model="x", milliseconds=1)
    assert orjson.loads(attempt_log([endless, endless])) == [{"left_out": 2}]
