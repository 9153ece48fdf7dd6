"""Fixed answers for load tests: one per dialect and kind, made once, with nothing checked."""

from __future__ import annotations

import json

from dragoman.simulator.anthropic.reply import write_stream as anthropic_streamed
from dragoman.simulator.anthropic.reply import write_whole as anthropic_whole
from dragoman.simulator.exchange import (
    SimulatedReply,
    SimulatedRequest,
    SimulatedStream,
    SimulatedTurn,
    SimulatedUsage,
    TextPart,
)
from dragoman.simulator.gemini.reply import write_stream as gemini_streamed
from dragoman.simulator.gemini.reply import write_whole as gemini_whole
from dragoman.simulator.openai.reply import write_stream as openai_streamed
from dragoman.simulator.openai.reply import write_whole as openai_whole

__all__ = ["fixed_stream", "fixed_whole"]

_REPLY = SimulatedReply((TextPart("This is an answer of a fixed length that says nothing, many times over. " * 4),))
_STREAMED = SimulatedReply((TextPart("word " * 96),))


def fixed_whole(dialect: str) -> bytes:
    request, usage = SimulatedRequest(dialect, "sim", [SimulatedTurn("user", "")]), SimulatedUsage(20)
    writers = {
        "openai": lambda: openai_whole(request, [_REPLY], usage, 1, {}),
        "anthropic": lambda: anthropic_whole(request, _REPLY, usage, 1),
        "gemini": lambda: gemini_whole(request, [_REPLY], usage, 1),
    }
    return json.dumps(writers[dialect]().body, separators=(",", ":")).encode()


def fixed_stream(dialect: str) -> SimulatedStream:
    request, usage = SimulatedRequest(dialect, "sim", [SimulatedTurn("user", "")]), SimulatedUsage(20)
    writers = {
        "openai": lambda: openai_streamed(request, [_STREAMED], usage, 1, {}),
        "anthropic": lambda: anthropic_streamed(request, _STREAMED, usage, 1),
        "gemini": lambda: gemini_streamed(request, [_STREAMED], usage, 1, events=True),
    }
    return writers[dialect]()
