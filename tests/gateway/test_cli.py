"""`dragoman` as a process: its start, its end, and what it says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from typer.testing import CliRunner

import dragoman
from dragoman.cli.main import app
from tests.gateway.serving import KEY, PROVIDER_KEY, Upstream, chat_chunks, model, serving

CHAT = {"model": "smart", "messages": [{"role": "user", "content": "the words of a prompt"}]}


def written(folder: Path, models: list[dict[str, Any]], **general: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"model_list": models, "general_settings": {"master_key": KEY, **general}}))
    return path


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "dragoman", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def run(*arguments: str) -> tuple[int, str]:
    """The exit status, and all that was said: of a command that serves nothing, so no process is needed."""
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@contextlib.asynccontextmanager
async def served(path: Path, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await start("serve", "--config", str(path), "--port", "0", *arguments)
    try:
        assert process.stdout is not None
        url = None
        while url is None:
            line = await asyncio.wait_for(process.stdout.readline(), 20)
            assert line, (await process.communicate())[1]
            url = re.search(rb"serving .* on (http://\S+)", line)
        yield process, url[1].decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def resident_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_it_is_small_after_some_calls(
    tmp_path: Path, client: aiohttp.ClientSession, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(Upstream()) as there:
        begun = time.monotonic()
        async with served(written(tmp_path, [model(there)])) as (process, here):
            async with client.get(f"{here}/health/readiness") as reply:
                assert reply.status == 200
            seconds = time.monotonic() - begun
            for _ in range(20):
                async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                    assert reply.status == 200
            megabytes = resident_megabytes(process.pid)
    record_property("ready_seconds", round(seconds, 2))
    record_property("rss_mb", round(megabytes, 1))
    with capsys.disabled():
        print(f"\n  gateway: ready after {seconds:.2f} s, {megabytes:.1f} MB after 20 calls")  # noqa: T201
    assert megabytes < 90


async def test_sigterm_lets_running_calls_end_and_takes_no_new_ones(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    go = asyncio.Event()

    async def slow(up: Upstream) -> None:
        events = chat_chunks("Hel", "lo")
        await up.stream(events[:2], end=False)
        await go.wait()
        for event in events[2:]:
            await up.send(event)
        await up.send(b"", more=False)

    async with serving(Upstream(slow)) as there, served(written(tmp_path, [model(there)])) as (process, here):
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "stream": True}) as reply:
            await reply.content.readuntil(b"Hel")
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.4)
            with pytest.raises(aiohttp.ClientConnectorError):
                await client.get(f"{here}/health/readiness")
            assert process.returncode is None
            go.set()
            rest = (await reply.content.read()).decode()
        assert rest.endswith("data: [DONE]\n\n")
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_what_outlasts_the_drain_is_told_and_closed(
    tmp_path: Path, client: aiohttp.ClientSession, stream: bool
) -> None:
    async def endless(up: Upstream) -> None:
        if stream:
            await up.stream(chat_chunks("Hel")[:2], end=False)
        await asyncio.sleep(60)

    upstream = Upstream(endless)
    async with serving(upstream) as there:
        path = written(tmp_path, [model(there)], drain_seconds=0.3)
        async with served(path) as (process, here):
            asked = asyncio.create_task(client.post(f"{here}/v1/chat/completions", json={**CHAT, "stream": stream}))
            await asyncio.wait_for(upstream.asked.wait(), 5)
            await asyncio.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            reply = await asyncio.wait_for(asked, 10)
            text = await asyncio.wait_for(reply.text(), 10)
            assert reply.status == (200 if stream else 503)
            assert "the gateway is stopping" in text
            assert await asyncio.wait_for(process.wait(), 10) == 0
            assert process.stderr is not None
            assert b"Traceback" not in await process.stderr.read()
        await asyncio.wait_for(upstream.left.wait(), 5)


@pytest.mark.parametrize("json_logs", [False, True])
async def test_no_key_and_no_word_of_a_prompt_is_in_the_log(
    tmp_path: Path, client: aiohttp.ClientSession, json_logs: bool
) -> None:
    error = {"error": {"message": f"wrong key {PROVIDER_KEY}", "type": "x", "code": "y"}}
    upstream = Upstream(lambda up: up.json(error, 401))
    data = {
        "model_list": [model(upstream_url := "http://127.0.0.1:1")],
        "general_settings": {"master_key": KEY, "log_requests": True},
        "litellm_settings": {"set_verbose": True, "json_logs": json_logs},
        "router_settings": {"num_retries": 0},
    }
    async with serving(upstream) as there:
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(data).replace(upstream_url, there))
        async with served(path) as (process, here):
            async with client.post(f"{here}/v1/chat/completions?key={KEY}", json=CHAT) as reply:
                assert reply.status == 401
                request_id = reply.headers["x-dragoman-request-id"]
            async with client.get(f"{here}/v1beta/models?key={KEY}"):
                pass
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
            assert process.stderr is not None
            log = (await process.stderr.read()).decode()
    assert request_id in log
    assert "POST /v1/chat/completions 401" in log
    assert "GET /v1beta/models 200" in log
    for secret in (KEY, PROVIDER_KEY, "words of a prompt", "key="):
        assert secret not in log


def test_check_says_all_that_is_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, [model("http://127.0.0.1:1")], database_url="postgresql://x")
    code, said = run("check", str(path))
    assert code == 0
    assert "in order" in said
    assert "general_settings.database_url" in said
    path = written(tmp_path, [{"model_name": "a", "litellm_params": {"modell": "x"}}], max_json_dept=3)
    code, said = run("check", str(path))
    assert code == 2
    assert "model_list[0].litellm_params.modell: unknown key (did you mean 'model'?)" in said
    assert "general_settings.max_json_dept: unknown key (did you mean 'max_json_depth'?)" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "general", "told"),
    [
        (["--host", "0.0.0.0"], {"master_key": None}, "loopback address only, not on 0.0.0.0"),
        ([], {"master_key": "sk-1234"}, "master_key: is shorter than 16 characters"),
        (["--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1"),
        (["--config", "gone.yaml"], {}, "gone.yaml: cannot be read: there is no such file"),
    ],
)
def test_serve_refuses(tmp_path: Path, arguments: list[str], general: dict[str, Any], told: str) -> None:
    path = written(tmp_path, [model("http://127.0.0.1:1")], **general)
    code, said = run("serve", "--port", "0", "--config", str(path), *arguments)
    assert code == 2
    assert told in said
    assert "Traceback" not in said


def test_what_does_nothing_yet_is_told_once_however_often_it_stands_there(tmp_path: Path) -> None:
    models = [model("http://127.0.0.1:1", f"m{number}", max_budget=1) for number in range(3)]
    code, said = run("check", str(written(tmp_path, models, database_url="postgresql://x")))
    assert code == 0
    assert "without effect: general_settings.database_url, model_list[*].litellm_params.max_budget (3 times)" in said


@pytest.mark.parametrize(
    ("router", "told"),
    [
        ({"redis_url": "redis://127.0.0.1:1/0?socket_timeout=abc"}, "redis_url: Invalid value for 'socket_timeout'"),
        ({"redis_url": "redis://127.0.0.1:1/0?soket=1"}, "redis_url: got an unexpected keyword argument 'soket'"),
        ({"mirror": [{"from": "smart", "to": "smrt"}]}, "mirror: 'smrt' is not in model_list (did you mean 'smart'?)"),
        ({"canary": [{"model": "smart", "deployment": "gone", "share": 0.1}]}, "'smart' has no deployment 'gone'"),
    ],
)
def test_what_check_finds_in_order_can_be_served(tmp_path: Path, router: dict[str, Any], told: str) -> None:
    path = tmp_path / "config.yaml"
    data = {
        "model_list": [model("http://127.0.0.1:1")],
        "general_settings": {"master_key": KEY},
        "router_settings": router,
    }
    path.write_text(yaml.safe_dump(data))
    code, said = run("check", str(path))
    assert (code, told in said) == (2, True), said


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, [model("http://127.0.0.1:1")])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = run("serve", "--config", str(path), "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "Address already in use" in said


def test_no_configuration_is_told() -> None:
    code, said = run("serve")
    assert code == 2
    assert "--config config.yaml" in said


@pytest.mark.parametrize(
    "command",
    [(), ("serve",), ("check",), ("demo",), ("simulate",), ("prices",), ("prices", "show"), ("explain",), ("replay",)],
)
def test_each_command_has_a_short_way_to_its_help(command: tuple[str, ...]) -> None:
    code, said = run(*command, "-h")
    assert (code, said) == run(*command, "--help")
    assert code == 0
    assert "Usage: " in said


def test_check_takes_the_configuration_as_an_option_too(tmp_path: Path) -> None:
    path = written(tmp_path, [model("http://127.0.0.1:1")])
    for arguments in ((str(path),), ("-c", str(path)), ("--config", str(path))):
        code, said = run("check", *arguments)
        assert (code, f"{path}: in order (1 model, 1 deployment)" in said) == (0, True)
    assert run("check", str(path), "-c", str(tmp_path / "other.yaml"))[0] == 2


def test_explain_reads_standard_input(tmp_path: Path) -> None:
    path = written(tmp_path, [model("http://127.0.0.1:1")])
    result = CliRunner().invoke(app, ["explain", "-", "-c", str(path)], input=json.dumps(CHAT))
    assert result.exit_code == 0
    assert "1 deployment, strategy" in result.output
    assert "the only deployment" in result.output


def test_shells_can_complete() -> None:
    asked = {"_DRAGOMAN_COMPLETE": "complete_bash", "COMP_WORDS": "dragoman se", "COMP_CWORD": "1"}
    result = CliRunner().invoke(app, [], env=asked, prog_name="dragoman")
    assert (result.exit_code, result.output.split()) == (0, ["serve"])


@pytest.mark.parametrize(("name", "value"), [("DRAGOMAN_LOG_LEVEL", "loud"), ("DRAGOMAN_LOG_FORMAT", "xml")])
def test_a_wrong_word_for_the_log_is_told(tmp_path: Path, name: str, value: str) -> None:
    path = written(tmp_path, [model("http://127.0.0.1:1")])
    result = CliRunner().invoke(app, ["serve", "-c", str(path)], env={name: value})
    assert result.exit_code == 2
    assert value in result.output


async def test_the_simulator_says_where_it_listens() -> None:
    process = await start("simulate", "--port", "0")
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        address = re.match(r"simulated providers listen on (http://127\.0\.0\.1:\d+) ", line)
        assert address, line
        async with aiohttp.ClientSession() as session, session.get(f"{address[1]}/v1/models") as reply:
            assert reply.status < 500
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.parametrize("snippet", ["curl", "python3"])
async def test_what_the_demo_shows_can_be_pasted(tmp_path: Path, snippet: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    (tmp_path / "python3").symlink_to(sys.executable)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dragoman", "demo", "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        text = (await asyncio.wait_for(process.stdout.readuntil(b"Ctrl-C"), 30)).decode()
        found = re.search(rf"^{snippet} .*?\n\n(?=or, |The clients)", text, re.DOTALL | re.MULTILINE)
        assert found, text
        pasted = await asyncio.create_subprocess_exec(
            "sh", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**environment, "PATH": f"{tmp_path}:{environment['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        out, err = await asyncio.wait_for(pasted.communicate(found[0].encode()), 60)
        assert pasted.returncode == 0, err
        assert len(out) > 10
    finally:
        process.send_signal(signal.SIGINT)
        _, log = await process.communicate()
    assert len(re.findall(rb"POST /v1/chat/completions 200", log)) == 1


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"\d+\.\d+.*", dragoman.__version__)
    assert run("version") == run("--version") == (0, f"{dragoman.__version__}\n")


def test_the_other_commands() -> None:
    code, said = run("simulate", "--help")
    assert code == 0
    assert "--port" in said
    code, said = run("--help")
    assert code == 0
    assert all(command in said for command in ("serve", "check", "simulate", "version"))


def test_a_configuration_is_named_as_an_argument_or_as_an_option(tmp_path: Path) -> None:
    path = str(tmp_path / "none.yaml")
    for command in ("serve", "check"):
        code, said = run(command, path)
        assert code == 2
        assert f"{path} is refused" in said
        assert run(command, path, "--config", "other.yaml") == (2, "dragoman: two configurations are named: name one\n")
    told = "dragoman: --config belongs to a command: dragoman serve --config c.yaml\n"
    assert run("--config", "c.yaml") == run("-c", "c.yaml") == (2, told)


def test_the_summaries_of_commands_are_not_cut() -> None:
    code, said = run("--help")
    assert code == 0
    assert "..." not in said.partition("Commands:")[2]
    assert "Play OpenAI, Anthropic and Gemini on one port." in said
    assert "Play OpenAI, Anthropic and Gemini on one port." in run("simulate", "--help")[1]


async def test_patterns_are_not_counted_as_models(tmp_path: Path) -> None:
    entries = [model("http://127.0.0.1:1", name) for name in ("smart", "openai/*", "*")]
    process = await start("serve", str(written(tmp_path, entries)), "--port", "0")
    try:
        assert process.stdout is not None
        lines = [await asyncio.wait_for(process.stdout.readline(), 20) for _ in range(4)]
        assert lines[-1].startswith(b"serving 1 model and 2 patterns on http://")
    finally:
        process.terminate()
        await process.communicate()
