"""What a warm call costs, in Python functions entered: no more than is written down in `hot_path.json`, within 5 %.

The count is of this package's own functions, so that neither the machine nor a library moves it. A change that makes the path
shorter writes the new number down, so that it stays short."""

from __future__ import annotations

import dis
import functools
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import orjson
import pytest

import dragoman
from dragoman.gateway.app import Gateway
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.http.disconnect import ON_DISCONNECT
from tests.gateway.serving import KEY, Upstream, chat_chunks, chat_reply, model, serving

PACKAGE = str(Path(dragoman.__file__).parent)
EXPECTED: dict[str, int] = json.loads(Path(__file__).with_name("hot_path.json").read_text())
TOLERANCE = 0.05
INLINED = ("<listcomp>", "<dictcomp>", "<setcomp>")
"""Functions of their own up to Python 3.11 only."""
MESSAGES = [{"role": "user", "content": "hi"}]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai to openai": ("/v1/chat/completions", {"model": "smart", "messages": MESSAGES}),
    "openai to openai, stream": ("/v1/chat/completions", {"model": "smart", "messages": MESSAGES, "stream": True}),
    "anthropic to openai": ("/v1/messages", {"model": "smart", "messages": MESSAGES, "max_tokens": 9}),
}


@functools.cache
def _first_step(code: CodeType) -> int:
    """Where a function begins to run: what is entered behind it is a generator or a coroutine that goes on."""
    return next(step.offset for step in dis.get_instructions(code) if step.opname == "RESUME")


class Calls:
    """Counts the functions of this package that are entered."""

    def __init__(self) -> None:
        self.by_function: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or code.co_name in INLINED:
            return
        if frame.f_lasti <= _first_step(code):
            self.by_function[f"{code.co_filename[len(PACKAGE) + 1 :]} {code.co_name}"] += 1


async def answer(upstream: Upstream) -> None:
    if upstream.bodies[-1].get("stream"):
        await upstream.stream(chat_chunks("Hello"))
    else:
        await upstream.json(chat_reply())


async def post(app: Gateway, path: str, body: dict[str, Any], count: Callable[..., None] | None = None) -> None:
    data, sent = orjson.dumps(body), []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"a"), (b"authorization", f"Bearer {KEY}".encode())],
        "extensions": {ON_DISCONNECT: lambda callback: None},
    }
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        await app(scope, receive, send)
    finally:
        sys.setprofile(before)
    assert sent[0]["status"] == 200


async def counted(name: str) -> Counter[str]:
    path, body = CALLS[name]
    async with serving(Upstream(answer)) as there:
        app = Gateway(parse_config({"model_list": [model(there)], "general_settings": {"master_key": KEY}}, {}))
        for _ in range(3):
            await post(app, path, body)
        calls = Calls()
        await post(app, path, body, calls)
        await app._services.router.aclose()
    return calls.by_function


@pytest.mark.parametrize("name", CALLS)
async def test_a_warm_call_enters_no_more_functions_than_before(name: str) -> None:
    calls = await counted(name)
    total, expected = calls.total(), EXPECTED[name]
    most = "\n".join(f"{times:4} {function}" for function, times in calls.most_common(25))
    assert total <= expected * (1 + TOLERANCE), f"{name}: {total} calls, {expected} are written down\n{most}"
    assert total >= expected * (1 - TOLERANCE), f"{name}: only {total} calls: write that down in hot_path.json"
