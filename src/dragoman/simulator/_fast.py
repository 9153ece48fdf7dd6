"""Fixed answers for load tests: one per dialect and kind, made once, with nothing checked."""

from __future__ import annotations

import json

from dragoman.simulator._ask import (
    Say,
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedTurn,
    SimulatedUsage,
)
from dragoman.simulator.anthropic.reply import streamed as anthropic_streamed
from dragoman.simulator.anthropic.reply import whole as anthropic_whole
from dragoman.simulator.gemini.reply import streamed as gemini_streamed
from dragoman.simulator.gemini.reply import whole as gemini_whole
from dragoman.simulator.openai.reply import streamed as openai_streamed
from dragoman.simulator.openai.reply import whole as openai_whole

__all__ = ["fixed_stream", "fixed_whole"]

_REPLY = SimulatedReply((Say("This is an answer of a fixed length that says nothing, many times over. " * 4),))
_STREAMED = SimulatedReply((Say("word " * 96),))


def fixed_whole(dialect: str) -> bytes:
    ask, usage = SimulatedRequest(dialect, "sim", [SimulatedTurn("user", "")]), SimulatedUsage(20)
    made = {
        "openai": lambda: openai_whole(ask, [_REPLY], usage, 1, {}),
        "anthropic": lambda: anthropic_whole(ask, _REPLY, usage, 1),
        "gemini": lambda: gemini_whole(ask, [_REPLY], usage, 1),
    }
    return json.dumps(made[dialect]().body, separators=(",", ":")).encode()


def fixed_stream(dialect: str) -> SimulatedStream:
    ask, usage = SimulatedRequest(dialect, "sim", [SimulatedTurn("user", "")]), SimulatedUsage(20)
    made = {
        "openai": lambda: openai_streamed(ask, [_STREAMED], usage, 1, {}),
        "anthropic": lambda: anthropic_streamed(ask, _STREAMED, usage, 1),
        "gemini": lambda: gemini_streamed(ask, [_STREAMED], usage, 1, events=True),
    }
    return made[dialect]()
