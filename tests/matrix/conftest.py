"""One simulator and one gateway in front of it, both real processes, for all tests of this folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.matrix._answer import Caller
from tests.matrix.anthropic_caller import AnthropicCaller
from tests.matrix.gemini_caller import GeminiCaller
from tests.matrix.openai_caller import OpenAICaller
from tests.simulator.running import ask, running

CALLERS: dict[str, Callable[[str, str], Caller]] = {
    "openai": OpenAICaller,
    "anthropic": AnthropicCaller,
    "gemini": GeminiCaller,
}
MODELS = {"openai": "gpt-5", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-3-pro-preview"}
STATUSES = (400, 401, 403, 404, 429, 500, 529)
PROVIDER_KEY = "canary-provider-key-81f2"
MASTER_KEY = "sk-f3hQ0sL2mZx8Vw7R-pq9TtYx4"

CUT = {"openai": 4, "anthropic": 4, "gemini": 1}
"""After how many events, of which the last is not the end of the answer."""


@dataclass(frozen=True)
class Bench:
    """The two processes, and the SDKs' clients of them."""

    simulator: str
    gateway: str
    clients: dict[tuple[str, str, str], Caller]

    def caller(self, name: str, key: str = MASTER_KEY) -> Caller:
        """An SDK that calls the gateway."""
        return self._client(name, self.gateway, key)

    def direct(self, name: str, key: str = "key") -> Caller:
        """An SDK that calls the simulator without a gateway between."""
        return self._client(name, self.simulator, key)

    def _client(self, name: str, address: str, key: str) -> Caller:
        if (name, address, key) not in self.clients:
            self.clients[name, address, key] = CALLERS[name](address, key)
        return self.clients[name, address, key]

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask(f"{self.simulator}/_simulator/calls", method="GET").json["calls"]
        return found

    def last(self) -> dict[str, Any]:
        found: dict[str, Any] = ask(f"{self.simulator}/_simulator/last", method="GET").json
        return found

    def reset(self) -> None:
        ask(f"{self.simulator}/_simulator/reset")


def _config(simulator: str) -> dict[str, Any]:
    bases = {"openai": f"{simulator}/v1", "anthropic": simulator, "gemini": f"{simulator}/v1beta"}

    def deployment(alias: str, provider: str, model: str) -> dict[str, Any]:
        params = {"model": f"{provider}/{model}", "api_base": bases[provider], "api_key": PROVIDER_KEY}
        return {"model_name": alias, "litellm_params": params}

    models = [deployment(provider, provider, model) for provider, model in MODELS.items()]
    models += [
        deployment(f"{provider}-{status}", provider, f"{model}[error={status}; retry-after=2]")
        for provider, model in MODELS.items()
        for status in STATUSES
    ]
    models += [
        deployment(f"{provider}-cut", provider, f"{model}[cut={CUT[provider]}]") for provider, model in MODELS.items()
    ]
    models += [
        deployment(f"{provider}-broken", provider, f"{model}[error-after=4]") for provider, model in MODELS.items()
    ]
    models += [
        deployment("openai-embed", "openai", "text-embedding-3-small"),
        # google-genai joins the texts of one call for a model whose name holds "gemini".
        deployment("google-embed", "gemini", "gemini-embedding-001"),
    ]
    return {
        "model_list": models,
        "router_settings": {"num_retries": 0},
        "general_settings": {"master_key": MASTER_KEY},
    }


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Of the simulator and of the gateway."""
    # `strict`: whatever a dialect would leak of our own names into OpenAI's messages is refused.
    with running("simulate", "--faults", "strict", health="/_simulator/health") as simulator:
        config: Path = tmp_path_factory.mktemp("matrix") / "config.yaml"
        config.write_text(json.dumps(_config(simulator)))  # JSON is YAML
        with running("serve", "--config", str(config), health="/health/liveliness") as gateway:
            yield simulator, gateway


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def bench(addresses: tuple[str, str]) -> AsyncIterator[Bench]:
    bench = Bench(*addresses, {})
    yield bench
    for client in bench.clients.values():
        await client.close()
