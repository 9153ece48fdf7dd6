"""What goes wrong, and how slowly, by header, by the model's name and by the prompt."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from dragoman.simulator import Faults
from dragoman.simulator.cli import app as cli
from tests.simulator.running import ask, running

HELLO = [{"role": "user", "content": "Hello out there, friends"}]
PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/chat/completions", {"model": "sim", "messages": HELLO}),
    "anthropic": ("/v1/messages", {"model": "sim", "max_tokens": 99, "messages": HELLO}),
    "gemini": ("/v1beta/models/sim:generateContent", {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}),
}


def chat(simulator: str, faults: str, **changes: Any) -> Any:
    return ask(
        f"{simulator}/v1/chat/completions", {"model": "sim", "messages": HELLO} | changes, {"x-simulate": faults}
    )


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 529])
def test_any_error_in_the_providers_own_shape(simulator: str, dialect: str, status: int) -> None:
    path, body = PATHS[dialect]
    reply = ask(simulator + path, body, {"x-simulate": f"error={status}; retry-after=2"})
    assert reply.status == status
    error = reply.json["error"]
    assert error["message"]
    assert {"openai": {"param", "code", "type"}, "anthropic": {"type"}, "gemini": {"code", "status"}}[dialect] <= set(
        error
    )
    if dialect == "gemini":
        assert error["details"][-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}
    else:
        assert reply.headers["retry-after"] == "2"


def test_three_ways_to_say_it(simulator: str) -> None:
    assert chat(simulator, "error=500").status == 500
    assert chat(simulator, "", model="sim[error=500]").status == 500
    assert chat(simulator, "", messages=[{"role": "user", "content": "Hi [[simulate: error=500]]"}]).status == 500
    reply = chat(simulator, "eror=500")
    assert reply.status == 400
    assert "'eror' is not known" in reply.json["error"]["message"]


def test_only_the_first_calls(simulator: str) -> None:
    model = "sim[error=503; times=2; latency=0]"
    assert [chat(simulator, "", model=model).status for _ in range(4)] == [503, 503, 200, 200]


def test_a_share_of_the_calls(simulator: str) -> None:
    statuses = [chat(simulator, "error-rate=0.5; error=503").status for _ in range(40)]
    assert 8 < statuses.count(503) < 32


def test_latency_and_slow_first_content(simulator: str) -> None:
    for faults in ("latency=0.3", "slow-first=0.3"):
        start = time.monotonic()
        assert chat(simulator, faults, stream=True).status == 200
        assert time.monotonic() - start >= 0.3


def test_a_rate(simulator: str) -> None:
    start = time.monotonic()
    assert chat(simulator, "rate=20", stream=True).raw.endswith(b"data: [DONE]\n\n")
    assert time.monotonic() - start >= 0.25


@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_connection(simulator: str, stream: bool) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        chat(simulator, "cut=2", stream=stream)
    assert caught.value.partial.count(b"data: ") == (2 if stream else 0)


def test_a_dropped_connection(simulator: str) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        chat(simulator, "drop")


def test_an_error_in_the_midst(simulator: str) -> None:
    for dialect, (path, body) in PATHS.items():
        path = path.replace(":generateContent", ":streamGenerateContent") + ("?alt=sse" if dialect == "gemini" else "")
        streamed = body if dialect == "gemini" else body | {"stream": True}
        raw = ask(simulator + path, streamed, {"x-simulate": "error-after=2"}).raw
        last = [line for line in raw.splitlines() if line.startswith(b"data: ")][-1]
        assert json.loads(last[6:])["error"]["message"]


def test_malformed_json(simulator: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        _ = chat(simulator, "malformed").json
    lines = [line[6:] for line in chat(simulator, "malformed", stream=True).raw.splitlines() if line]
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[1])


@pytest.mark.parametrize("faults", ["hang", "latency=30", "slow-first=30", "stall=1"])
def test_it_sees_that_the_caller_left(simulator: str, faults: str) -> None:
    ask(f"{simulator}/_simulator/reset")
    address = urlsplit(simulator)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    body = json.dumps({"model": "sim", "messages": HELLO, "stream": True})
    headers = {"authorization": "Bearer k", "x-simulate": faults}
    connection.request("POST", "/v1/chat/completions", body, headers)
    deadline = time.monotonic() + 5
    while ask(f"{simulator}/_simulator/calls", method="GET").json["open"] != 1:
        assert time.monotonic() < deadline
    connection.close()
    while ask(f"{simulator}/_simulator/calls", method="GET").json["open"]:
        assert time.monotonic() < deadline
    [call] = ask(f"{simulator}/_simulator/calls", method="GET").json["calls"]
    assert call["closed_early"]
    assert call["closed_at"] - call["started"] == pytest.approx(call["closed_after"])


def test_calls_are_counted_and_echoed(simulator: str) -> None:
    ask(f"{simulator}/_simulator/reset")
    reply = chat(simulator, "echo", temperature=0.25)
    assert reply.json["body"]["temperature"] == 0.25
    assert reply.json["headers"]["x-simulate"] == "echo"
    assert chat(simulator, "error=429").status == 429
    report = ask(f"{simulator}/_simulator/calls", method="GET").json
    assert report["count"] == 2
    assert [(call["path"], call["model"], call["status"], call["closed_early"]) for call in report["calls"]] == [
        ("/v1/chat/completions", "sim", 200, False),
        ("/v1/chat/completions", "sim", 429, False),
    ]
    assert ask(f"{simulator}/_simulator/last", method="GET").json["body"]["model"] == "sim"


def test_a_context_window(simulator: str) -> None:
    for path, body in PATHS.values():
        reply = ask(simulator + path, body, {"x-simulate": "context=3"})
        assert reply.status == 400
        assert "token" in reply.json["error"]["message"]


def test_faults_read_what_they_know() -> None:
    assert Faults().with_changes("cut=3; hang, slow-first=1.5") == Faults(cut=3, hang=True, slow_first=1.5)
    for wrong in ("cut=x", "rate=fast", "nothing"):
        with pytest.raises(ValueError):
            Faults().with_changes(wrong)


def test_flags() -> None:
    with running("simulate", "--error", "503", "--seed", "7", health="/_simulator/health") as address:
        assert chat(address, "").status == 503
    with running("simulate", "--fast", health="/_simulator/health") as address:
        assert ask(f"{address}/v1/messages", {}).json["type"] == "message"
        assert b"[DONE]" in ask(f"{address}/v1/chat/completions", {"stream": True}).raw


def test_a_context_window_that_is_too_small_is_told_with_numbers(simulator: str) -> None:
    for path, body in PATHS.values():
        reply = ask(simulator + path, body, {"x-simulate": "error=context"})
        assert reply.status == 400
        assert "208310" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ("error=foo", "a status from 400 to 599"),
        ("error=999", "a status from 400 to 599"),
        ("error=200", "a status from 400 to 599"),
        ("error-rate=5", "a share from 0 to 1"),
        ("error-rate=nan", "a number from 0 on"),
        ("latency=-1", "a number from 0 on"),
        ("rate=inf", "a number from 0 on"),
        ("times=-2", "a number from 0 on"),
    ],
)
def test_values_that_no_provider_could_show_are_refused(simulator: str, faults: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Faults().with_changes(faults)
    reply = chat(simulator, faults)
    assert reply.status == 400
    assert expected in reply.json["error"]["message"]


@pytest.mark.parametrize("word", ["context", "filter", "quota", "overloaded"])
def test_every_provider_knows_the_words_of_errors(simulator: str, word: str) -> None:
    for path, body in PATHS.values():
        assert 400 <= ask(simulator + path, body, {"x-simulate": f"error={word}"}).status < 600


@pytest.mark.parametrize(
    "arguments", [("--error", "foo"), ("--error-rate", "5"), ("--latency", "-1"), ("--faults", "eror=500")]
)
def test_wrong_flags_are_refused_at_the_start(arguments: tuple[str, str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "simulate: " in result.output


def test_an_address_that_is_in_use_or_unknown_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(cli, ["--port", port])
    assert result.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in result.output
    result = CliRunner().invoke(cli, ["--host", "host.invalid"])
    assert result.exit_code == 2
    assert "cannot listen on host.invalid:4010: " in result.output
