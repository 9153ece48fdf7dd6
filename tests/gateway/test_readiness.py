"""What the first call would have to wait for is done before the gateway says that it is ready."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, json, sys
from dragoman.gateway.app import Gateway
from dragoman.gateway.config.gateway_config import parse_config

KEY = "sk-f3hQ0sL2mZx8Vw7R"
ANSWERS = {
    "openai": {"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "hi"}}]},
    "anthropic": {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}},
    "gemini": {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}, "finishReason": "STOP"}]},
}
PROVIDER = sys.argv[1]

async def provider(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    body = json.dumps(ANSWERS[PROVIDER]).encode()
    writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n%s" % (len(body), body))
    await reader.read()
    writer.close()
    await writer.wait_closed()
    closed.set()

closed = asyncio.Event()

async def main():
    server = await asyncio.start_server(provider, "127.0.0.1", 0)
    base = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    params = {"model": PROVIDER + "/some-model", "api_base": base, "api_key": "sk-upstream"}
    models = [{"model_name": "smart", "litellm_params": params}]
    app = Gateway(parse_config({"model_list": models, "general_settings": {"master_key": KEY}}, {}))
    said, over = [], asyncio.Event()

    async def lifespan():
        await asyncio.sleep(0) if not said else await over.wait()
        return {"type": "lifespan.startup" if not said else "lifespan.shutdown"}

    async def hear(message):
        said.append(message["type"])

    living = asyncio.ensure_future(app({"type": "lifespan"}, lifespan, hear))
    while not said:
        await asyncio.sleep(0)
    ready = set(sys.modules)

    body = json.dumps({"model": "smart", "messages": [{"role": "user", "content": "hi"}]}).encode()
    asked, answered = iter([{"type": "http.request", "body": body}]), []

    async def receive():
        return next(asked, None) or await asyncio.Event().wait()

    async def send(message):
        answered.append(message)

    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer " + KEY.encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers, "query_string": b""}
    await app(scope, receive, send)
    late = sorted(set(sys.modules) - ready)
    over.set()
    await living
    await closed.wait()
    server.close()
    print(json.dumps({"status": answered[0]["status"], "late": late, "said": said}))

asyncio.run(main())
"""


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
def test_the_first_call_imports_nothing(provider: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, provider],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["said"] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (told["status"], told["late"]) == (200, [])
