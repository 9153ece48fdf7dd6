"""How long the price of a call takes: `python -m bench.prices`. No network; the best of many short runs, as neighbours disturb."""

from __future__ import annotations

import timeit
from collections.abc import Callable

from dragoman.models import Catalogue, cost_bounds, cost_of

__all__ = ["main"]

RUNS, CALLS = 200, 100
PLAIN = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
DETAILED = {
    **PLAIN,
    "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 50,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
    "service_tier": "default",
}
WRITTEN = {
    **PLAIN,
    "prompt_tokens_details": {
        "cached_tokens": 100,
        "cache_creation_tokens": 300,
        "cache_creation_token_details": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    },
    "server_tool_use": {"web_search_requests": 2},
    "service_tier": "standard",
    "inference_geo": "not_available",
}
REQUEST = {"messages": [{"role": "user", "content": "Tell me of the dragomans of Pera. " * 100}], "max_tokens": 500}


def main() -> None:
    catalogue = Catalogue()
    gpt, claude = catalogue.find("openai", "gpt-4.1"), catalogue.find("anthropic", "claude-sonnet-4-5")
    cases: dict[str, Callable[[], object]] = {
        "OpenAI, plain": lambda: cost_of(PLAIN, gpt),
        "OpenAI, cache and reasoning": lambda: cost_of(DETAILED, gpt),
        "Anthropic, cache writes and searches": lambda: cost_of(WRITTEN, claude),
        "the row of a model": lambda: catalogue.find("openai", "gpt-4.1"),
        "bounds of a request of 3,400 characters": lambda: cost_bounds(
            REQUEST, gpt, provider="openai", model="gpt-4.1"
        ),
    }
    for name, call in cases.items():
        best = min(timeit.Timer(call).repeat(RUNS, CALLS)) / CALLS
        print(f"{name:45} {best * 1e6:8.2f} us")


if __name__ == "__main__":
    main()
