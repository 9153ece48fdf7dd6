# ruff: noqa: SIM117 - servers outside, calls inside
"""`POST /v1/routing/explain` and `dragoman explain`: for three dialects, and without a word of a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from typer.testing import CliRunner

from dragoman.cli.main import app
from tests.gateway.serving import KEY, PROVIDER_KEY, Upstream, gateway, model, serving

HELLO = [{"role": "user", "content": "hi, canary-prompt"}]
CONTENTS = [{"role": "user", "parts": [{"text": "hi, canary-prompt"}]}]
ASKS: list[tuple[str, dict[str, Any], str, bool]] = [
    ("", {"model": "smart", "messages": HELLO}, "chat", False),
    ("", {"model": "smart", "messages": HELLO, "stream": True}, "chat", True),
    ("?dialect=openai", {"model": "smart", "input": "hi"}, "embedding", False),
    ("", {"model": "smart", "prompt": "hi"}, "text_completion", False),
    ("?dialect=anthropic", {"model": "smart", "messages": HELLO, "max_tokens": 9, "stream": True}, "chat", True),
    ("", {"model": "smart", "contents": CONTENTS}, "chat", False),
    ("?dialect=gemini", {"model": "models/smart", "contents": CONTENTS, "stream": True}, "chat", True),
    ("", {"model": "smart", "content": {"parts": [{"text": "hi"}]}}, "embedding", False),
]


@pytest.mark.parametrize(("query", "body", "operation", "stream"), ASKS)
async def test_a_request_of_each_dialect_is_explained(
    client: aiohttp.ClientSession, query: str, body: dict[str, Any], operation: str, stream: bool
) -> None:
    upstream = Upstream()
    async with serving(upstream) as there:
        models = [model(there), model(there, "backup")]
        async with gateway(models, router_settings={"fallbacks": [{"smart": ["backup"]}]}) as here:
            async with client.post(f"{here}/v1/routing/explain{query}", json=body) as reply:
                text = await reply.text()
    assert reply.status == 200, text
    told = json.loads(text)
    assert (told["operation"], told["stream"], told["model"]) == (operation, stream, "smart")
    assert (told["alias"], told["chosen"], told["refusal"]) == ("smart", "smart:0", None)
    assert told["plans"][0]["fallbacks"] == [
        {"alias": "backup", "deployment": "backup:0", "why": "the only deployment"}
    ]
    assert told["tokens"] > 0
    assert upstream.bodies == []
    for secret in (PROVIDER_KEY, KEY, "127.0.0.1", "canary"):
        assert secret not in text


async def test_it_tells_the_state_of_this_gateway(client: aiohttp.ClientSession) -> None:
    busy = Upstream(lambda up: up.json({"error": {"message": "slow down"}}, 429, {"retry-after": "60"}))
    async with serving(busy) as there, serving(Upstream()) as well:
        async with gateway([model(there, order=1), model(well, order=2)]) as here:
            body = {"model": "smart", "messages": HELLO}
            async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
                assert reply.headers["x-dragoman-deployment"] == "smart:1"
            async with client.post(f"{here}/v1/routing/explain", json=body) as reply:
                told = await reply.json()
    assert told["chosen"] == "smart:1"
    assert told["candidates"][0]["dropped"] == "out: 429 RateLimitError"
    assert told["candidates"][0]["until"] > 0
    assert told["passes_through"] is True


@pytest.mark.parametrize(
    ("query", "body", "status", "said"),
    [
        ("", {"model": "nobody", "messages": HELLO}, 404, "does not exist here"),
        ("", {"model": "smrt", "messages": HELLO}, 404, "'smrt' does not exist here (did you mean 'smart'?)"),
        ("", {"messages": HELLO}, 400, "model: expected"),
        ("", {"contents": CONTENTS}, 400, "model: expected"),
        ("", {"model": "smart"}, 400, "`messages` or `input` or `prompt`"),
        ("?dialect=latin", {"model": "smart", "messages": HELLO}, 400, "openai, anthropic, gemini"),
        ("", {"model": "smart", "messages": HELLO, "api_base": "http://x"}, 400, "only the gateway's configuration"),
        ("", {"model": "smart", "messages": "hi"}, 400, "messages"),
    ],
)
async def test_a_wrong_request_is_refused_as_at_its_own_path(
    client: aiohttp.ClientSession, query: str, body: dict[str, Any], status: int, said: str
) -> None:
    async with gateway([model("http://127.0.0.1:1")]) as here:
        async with client.post(f"{here}/v1/routing/explain{query}", json=body) as reply:
            assert reply.status == status
            assert said in (await reply.json())["error"]["message"]


async def test_a_stranger_learns_nothing(stranger: aiohttp.ClientSession) -> None:
    async with gateway([model("http://127.0.0.1:1")]) as here:
        async with stranger.post(f"{here}/v1/routing/explain", json={"model": "smart", "messages": HELLO}) as reply:
            assert reply.status == 401


# ── dragoman explain ─────────────────────────────────────────────────────────────────────────────────────────────────
def run(folder: Path, body: Any, *more: str, **sections: Any) -> tuple[int, str]:
    config, request = folder / "config.yaml", folder / "request.json"
    models = [
        {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "api_key": PROVIDER_KEY, "rpm": 5}},
        {
            "model_name": "smart",
            "litellm_params": {"model": "anthropic/claude-sonnet-4-5", "api_key": PROVIDER_KEY, "order": 2},
        },
        {"model_name": "big", "litellm_params": {"model": "gemini/gemini-2.5-pro", "api_key": PROVIDER_KEY}},
    ]
    settings = {"context_window_fallbacks": [{"smart": ["big"]}]}
    general = {"master_key": KEY}
    config.write_text(
        yaml.safe_dump({"model_list": models, "router_settings": settings, "general_settings": general, **sections})
    )
    request.write_text(body if isinstance(body, str) else json.dumps(body))
    result = CliRunner().invoke(app, ["explain", "--config", str(config), str(request), *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert PROVIDER_KEY not in result.output
    assert "canary-prompt" not in result.output
    return result.exit_code, result.output


def test_a_request_is_explained_for_a_person(tmp_path: Path) -> None:
    code, said = run(tmp_path, {"model": "smart", "messages": HELLO, "max_tokens": 100})
    assert code == 0
    for words in (
        "smart  (chat)",
        "goes to     smart:0",
        "US dollars (openai/gpt-4o, genai-prices",
        "100 output at 10 for 1,000,000: 0.001",
        "-> smart:0  openai/gpt-4o",
        "order: those of order 0 are asked first",
        "rpm: 0 of 5 used, this call takes 1",
        "context_window: 1 attempt",
        "then big: big:0",
        "general: up to 3 attempts, no fallback",
    ):
        assert words in said, said


def test_who_else_is_asked_of_a_request_is_told_to_a_person(tmp_path: Path) -> None:
    settings = {
        "hedge": {"after": 2.5},
        "mirror": [{"from": "smart", "to": "big", "share": 0.25}],
        "canary": [{"model": "smart", "deployment": "smart:1", "share": 0, "gates": {"error_rate": 0.1}}],
        "mid_stream_fallback": "continue",
    }
    code, said = run(tmp_path, {"model": "smart", "messages": HELLO, "stream": True}, router_settings=settings)
    assert code == 0
    for words in (
        "if late     after 2.5 s nobody is asked too: nobody else can be asked (smart:1: canary: this call is not of its share)",
        "copied to   big (share 0.25 of such calls)",
        "canary      smart:1, share 0: this call is not in it, by chance (0 calls in 600 s, judged from 50 on)",
        "error_rate: unknown, stopped above 0.1",
        "broken off  it ends with the error: no other model is known to go on with an answer",
    ):
        assert words in said, said


def test_a_fallback_for_a_request_is_told_to_a_person(tmp_path: Path) -> None:
    body = {"model": "smart", "messages": HELLO, "mock_testing_context_fallbacks": True}
    code, said = run(tmp_path, body)
    assert code == 0
    assert "goes to     big:0" in said
    assert "instead of  smart, by the fallback big" in said
    assert "the call tests its fallbacks" in said


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_request_is_explained_for_a_program(tmp_path: Path, dialect: str) -> None:
    body = {"model": "smart", "messages": HELLO, "max_tokens": 100}
    code, said = run(tmp_path, body, "--json", "--dialect", dialect)
    told = json.loads(said)
    assert code == 0
    assert (told["chosen"], told["cost"]["row"]) == ("smart:0", "openai/gpt-4o")
    assert told["passes_through"] is (dialect == "openai")


def test_a_call_that_would_fail_is_told_and_is_a_failure(tmp_path: Path) -> None:
    code, said = run(tmp_path, {"model": "big", "messages": HELLO, "logit_bias": {"5": 1}})
    assert code == 1
    assert "fails with" in said
    assert "logit_bias" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [("{", "not valid JSON"), ({"model": "nobody", "messages": HELLO}, "does not exist here")],
)
def test_what_is_no_request_is_refused(tmp_path: Path, body: Any, said: str) -> None:
    code, told = run(tmp_path, body)
    assert code == 2
    assert said in told
    missing = CliRunner().invoke(app, ["explain", "-c", str(tmp_path / "config.yaml"), str(tmp_path / "none.json")])
    assert missing.exit_code == 2
    assert "cannot be read" in missing.output
