"""`dragoman demo`: a gateway to try at once, with the providers whose keys are set, or with simulated ones."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from dragoman.credentials import lookup
from dragoman.errors import ConfigError
from dragoman.providers import Providers

__all__ = ["Demo", "demo"]

_HOST = "127.0.0.1"
_SIMULATOR_SECONDS = 10.0
_MODELS = {
    "openai": ("gpt-6-luna", "text-embedding-3-small"),
    "anthropic": ("claude-sonnet-5-5",),
    "gemini": ("gemini-3.8-flash",),
    "groq": ("openai/gpt-oss-120b",),
    "mistral": ("mistral-small-latest",),
    "deepseek": ("deepseek-v4-flash",),
    "xai": ("grok-4.7",),
    "openrouter": ("openai/gpt-6-luna",),
}
"""The models of a provider whose key is set."""
_SIMULATED = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}
"""The path at which the simulator plays each provider."""


class Demo:
    """A configuration to serve, and the invitation to print."""

    def __init__(self, config: Path, key: str, models: list[str], *, simulated: bool) -> None:
        self.config = config
        self._key = key
        self._models = models
        self._simulated = simulated

    def invitation(self, address: str) -> str:
        """Return commands to try, for a terminal."""
        who = "simulated providers (no provider key is set)" if self._simulated else "the providers whose keys are set"
        model = self._models[0]
        return f"""
Dragoman is at {address}, in front of {who}.
Models: {", ".join(self._models)}

Paste into another terminal:

curl {address}/v1/chat/completions \\
  -H 'Authorization: Bearer {self._key}' -H 'Content-Type: application/json' \\
  -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

or, where the OpenAI SDK is installed:

python3 - <<'END'
from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key="{self._key}")
question = [{{"role": "user", "content": "Hello!"}}]
for chunk in client.chat.completions.create(model="{self._models[-1]}", messages=question, stream=True):
    print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="", flush=True)
print()
END

The clients of Anthropic and Gemini work too: their address is {address}, the key the same.
Press Ctrl-C to stop.
"""


@contextlib.contextmanager
def demo() -> Iterator[Demo]:
    """Write a configuration, and simulate the providers if no key is set. All of it ends with the block."""
    key = f"sk-demo-{secrets.token_hex(12)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dragoman-demo-")))
        models = _with_keys()
        simulated = not models
        if simulated:
            models = _with_simulator(stack.enter_context(_simulator()))
        config = folder / "config.yaml"
        config.write_bytes(
            orjson.dumps({"model_list": models, "general_settings": {"master_key": key, "log_requests": True}})
        )
        names = [model["model_name"] for model in models if "embedding" not in model["model_name"]]
        yield Demo(config, key, names, simulated=simulated)


def _with_keys() -> list[dict[str, Any]]:
    providers = Providers()
    return [
        _entry(provider, model)
        for provider, models in _MODELS.items()
        if lookup(providers.find(provider).credential.env)
        for model in models
    ]


def _with_simulator(address: str) -> list[dict[str, Any]]:
    return [
        _entry(provider, model, api_base=address + path, api_key="sim-demo-key")
        for provider, path in _SIMULATED.items()
        for model in _MODELS[provider]
    ]


def _entry(provider: str, model: str, **more: str) -> dict[str, Any]:
    return {"model_name": model, "litellm_params": {"model": f"{provider}/{model}", **more}}


@contextlib.contextmanager
def _simulator() -> Iterator[str]:
    """Run the simulator in a process of its own, on a free port. Yield its address."""
    with socket.create_server((_HOST, 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dragoman", "simulate", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"http://{_HOST}:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SIMULATOR_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
            return
        time.sleep(0.05)
    raise ConfigError("the simulated providers did not start")
