"""The log speaks by default: what goes wrong with a call, and how the process begins and ends."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import io
import json
import logging
import re
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dragoman.gateway.logs import setup
from dragoman.gateway.logs.redactor import Redactor
from dragoman.observe import AttemptEnded, CircuitClosed
from dragoman.routing.event_log import log_event
from dragoman.routing.replay import read_log
from dragoman.types.call_record import Attempt, CallRecord
from tests.gateway.serving import KEY, PROVIDER_KEY, Upstream, chat_reply, gateway, model, serving
from tests.gateway.test_cli import served, written

pytestmark = pytest.mark.usefixtures("_loggers_as_they_were")
CHAT = {"model": "smart", "messages": [{"role": "user", "content": "the words of a prompt"}]}


@contextlib.contextmanager
def logged(*, json: bool = False, level: setup.Level = setup.Level.INFO, requests: bool = False) -> Any:
    with contextlib.redirect_stderr(io.StringIO()) as out:
        setup.set_up(Redactor({KEY, PROVIDER_KEY}), level=level, json=json, requests=requests)
        yield out


@pytest.mark.parametrize("json_lines", [False, True])
async def test_each_failed_attempt_is_a_warning_with_its_reason(
    client: aiohttp.ClientSession, json_lines: bool
) -> None:
    error = {
        "error": {"message": f"wrong key {PROVIDER_KEY}: the words of a prompt", "type": "x", "code": "invalid_api_key"}
    }
    refusing, good = Upstream(lambda up: up.json(error, 401)), Upstream(lambda up: up.json(chat_reply()))
    async with serving(refusing) as refuses, serving(good) as works:
        deployments = [model("http://127.0.0.1:1"), model(refuses), model(works)]
        for order, deployment in enumerate(deployments):
            deployment["litellm_params"]["order"] = order
        with logged(json=json_lines) as out:
            async with gateway(deployments) as here:
                for _ in range(20):
                    async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                        assert reply.status == 200
    said = out.getvalue()
    assert re.search(r"smart:0 \(openai/\S+\) failed: \S* ?APIConnectionError \(connection_refused\)", said)
    assert re.search(r"smart:1 \(openai/\S+\) failed: 401 AuthenticationError \(invalid_api_key\)", said)
    assert re.search(
        r"smart:1 is taken out for \S+ s: 401 AuthenticationError|the key of smart:1 \(credential:\S+\) is taken out",
        said,
    )
    assert len(re.findall("WARNING", said)) >= 4
    assert not [secret for secret in (KEY, PROVIDER_KEY, "words of a prompt") if secret in said]
    if json_lines:
        lines = [json.loads(line) for line in said.splitlines()]
        failed = [line for line in lines if line.get("event") == "attempt_failed"]
        assert {line["deployment"] for line in failed} == {"smart:0", "smart:1"}
        assert all(line["request_id"].startswith("req_") for line in failed)
        read = read_log(io.BytesIO(said.encode()))
        assert (read.calls, read.malformed) == (0, 0)


def test_a_code_that_is_no_word_is_not_repeated() -> None:
    with logged() as out:
        record = CallRecord(request_id="req_1", operation="chat", model="a")
        made = Attempt(deployment="a:0", provider="openai", model="gpt", milliseconds=1.0)
        failed = replace(made, error="BadRequestError", status=400, code="the words of a prompt")
        log_event(AttemptEnded(record, failed))
        log_event(AttemptEnded(record, made))
        log_event(CircuitClosed("a:0"))
    lines = out.getvalue().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        "WARNING dragoman.routing a:0 (openai/gpt) failed: 400 BadRequestError request_id=req_1 milliseconds=1.0",
        "WARNING dragoman.routing a:0 works again and is put back",
    ]
    for line in lines:
        assert datetime.datetime.fromisoformat(line.split()[0]).tzinfo is not None


@pytest.mark.parametrize(("level", "probes"), [(setup.Level.INFO, 0), (setup.Level.DEBUG, 2), (setup.Level.ERROR, 0)])
async def test_health_probes_are_for_debugging(client: aiohttp.ClientSession, level: setup.Level, probes: int) -> None:
    with logged(level=level, requests=True) as out:
        async with gateway(
            [model("http://127.0.0.1:1")], general_settings={"log_requests": True, "master_key": KEY}
        ) as here:
            for path in ("/health/liveliness", "/health/readiness", "/v1/models"):
                async with client.get(f"{here}{path}") as reply:
                    assert reply.status == 200
    assert len(re.findall("GET /health", out.getvalue())) == probes
    assert len(re.findall("GET /v1/models 200", out.getvalue())) == (level != setup.Level.ERROR)


@pytest.mark.parametrize("arguments", [(), ("--log-format", "json"), ("--log-level", "ERROR")])
async def test_the_process_says_when_it_begins_and_ends(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    async with served(written(tmp_path, [model("http://127.0.0.1:1")]), *arguments) as (process, here):
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert process.stderr is not None
        lines = (await process.stderr.read()).decode().splitlines()
    said = [_message(line, is_json="json" in arguments) for line in lines]
    assert said == (
        []
        if "ERROR" in arguments
        else [
            f"listening on {here}, 1 alias, 1 deployment",
            "SIGTERM: no new connections, 0 calls may take 30 s more",
            "stopped",
        ]
    )


def _message(line: str, *, is_json: bool) -> str:
    return str(json.loads(line)["message"]) if is_json else line.split(" ", 3)[3]


def test_attempts_are_listed_for_people_without_pythons_marks() -> None:
    with logged() as out:
        tried = ("smart:0 InternalServerError 500 9ms", "smart:1 answered 4ms")
        logging.getLogger("dragoman.gateway").info("POST /v1/messages 200", extra={"tried": tried})
    assert "tried=[smart:0 InternalServerError 500 9ms, smart:1 answered 4ms]" in out.getvalue()
