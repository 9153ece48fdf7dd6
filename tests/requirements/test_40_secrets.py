"""Requirement 40: keys and prompts that were seeded everywhere are in no answer to others, no log, no text of an object."""

from __future__ import annotations

import itertools
import logging
import traceback
from typing import Any

import aiohttp
import orjson
import pytest

import dragoman
from dragoman.gateway.config.gateway_config import parse_config
from tests.gateway.serving import Upstream
from tests.requirements.serving import BASES, CALLERS, KEY, MODELS, asked, deployment, gateway, serving

PROVIDER_KEYS = ("canary-of-no-known-shape-81f2", "sk-proj-canaryCANARY0123456789abcdef")
PROMPT = "canary of a prompt 5521"
HOW = (
    "error 400",
    "error 401",
    "error 429",
    "error 500",
    "plain text",
    "redirect",
    "no json",
    "error in a 200",
    "stream",
)


def betray(how: str) -> Any:
    """A provider that repeats the key it was sent, and the prompt, wherever it can."""

    async def answer(up: Upstream) -> None:
        headers = up.headers[-1]
        key = (headers.get("x-api-key") or headers.get("x-goog-api-key") or headers["authorization"]).split(" ")[-1]
        text = f"wrong key {key}, Bearer {key}, https://x.y/?key={key}"
        error = {"error": {"message": text, "type": text, "code": text, "status": text, "param": text}}
        more = {
            "x-request-id": key,
            "x-ratelimit-limit": key,
            "www-authenticate": key,
            "location": f"http://x.y/?key={key}",
        }
        if how.startswith("error 4") or how == "error 500":
            await up.json(error, int(how[-3:]), more)
        elif how == "redirect":
            await up.json(error, 307, more)
        elif how == "error in a 200":
            await up.json({"type": "error", **error}, 200, more)
        elif how == "stream":
            await up.start(200, {"content-type": "text/event-stream", **more})
            await up.send(b"event: error\ndata: " + orjson.dumps({"type": "error", **error}) + b"\n\n", more=False)
        else:
            status = 502 if how == "plain text" else 200
            await up.start(status, {"content-type": "text/html", **more})
            await up.send(f"<html>{text}</html>".encode(), more=False)

    return answer


def betrayed(text: str, *secrets: str) -> list[str]:
    return [secret for secret in secrets if secret in text]


@pytest.mark.parametrize("how", HOW)
async def test_through_the_gateway(client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, how: str) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(Upstream(betray(how))) as there:
        models = [
            deployment(there, provider, f"{provider}{number}", api_key=key)
            for provider in MODELS
            for number, key in enumerate(PROVIDER_KEYS)
        ]
        async with gateway(models, router_settings={"num_retries": 0}) as here:
            for caller, entry, stream in itertools.product(CALLERS, models, (False, True)):
                path, body = asked(caller, PROMPT, model=entry["model_name"], stream=stream)
                async with client.post(here + path, json=body) as reply:
                    said = f"{reply.headers} {reply.reason} {await reply.text()}"
                assert not betrayed(said, KEY, *PROVIDER_KEYS), (caller, entry["model_name"], stream, said)
    log = "\n".join(
        f"{record.getMessage()} {record.exc_text} {vars(record)}"
        for record in caplog.records
        if not record.name.startswith(("tests", "uvicorn"))
    )
    assert not betrayed(log, KEY, PROMPT, *PROVIDER_KEYS), log[:2000]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("provider", MODELS)
async def test_in_the_sdk(caplog: pytest.LogCaptureFixture, provider: str, how: str) -> None:
    """Where nobody tells which keys there are, those that look like keys are known."""
    caplog.set_level(logging.DEBUG)
    key = PROVIDER_KEYS[1]
    async with serving(Upstream(betray(how))) as there:
        for stream in (False, True):
            with pytest.raises(dragoman.APIError) as caught:
                await dragoman.acompletion(
                    f"{provider}/{MODELS[provider]}",
                    [{"role": "user", "content": PROMPT}],
                    api_base=there + BASES[provider],
                    api_key=key,
                    num_retries=0,
                    stream=stream,
                )
            error = caught.value
            shown = f"{error} {error!r} {vars(error)} {''.join(traceback.format_exception(error))}"
            assert not betrayed(shown, key), shown
    assert not betrayed("\n".join(record.getMessage() for record in caplog.records), key, PROMPT)


def test_objects_do_not_show_their_keys() -> None:
    entry = deployment(
        "http://127.0.0.1:1", "openai", api_key=PROVIDER_KEYS[0], extra_headers={"x-key": PROVIDER_KEYS[1]}
    )
    config = parse_config({"model_list": [entry], "general_settings": {"master_key": KEY}}, {})
    router = dragoman.Router(model_list=[entry])
    for shown in (repr(config), str(config), repr(router), repr(getattr(router, "__dict__", ""))):
        assert not betrayed(shown, KEY, *PROVIDER_KEYS), shown
