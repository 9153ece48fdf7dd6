"""Requests and replies in no dialect: the simulated providers read the former and write the latter."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = [
    "Answer",
    "Medium",
    "SimulatedCall",
    "SimulatedError",
    "SimulatedReply",
    "SimulatedRequest",
    "SimulatedStream",
    "SimulatedTurn",
    "SimulatedUsage",
    "TextPart",
    "ThinkingPart",
    "ToolResult",
    "WholeAnswer",
    "decoded_size",
    "split_tokens",
    "stable_number",
    "token_count",
]

_TOKEN = re.compile(r"\s*\w{1,8}|\s*[^\w\s]|\s+")


def split_tokens(text: str) -> list[str]:
    """Return `text` in pieces of about a token each."""
    return _TOKEN.findall(text)


def token_count(text: str) -> int:
    return (len(text) + 3) // 4


def stable_number(*seeds: object) -> int:
    """Return a number that depends only on `seeds`."""
    return int.from_bytes(hashlib.blake2b(repr(seeds).encode(), digest_size=8).digest(), "big")


def decoded_size(data: str) -> int:
    """Return the number of bytes in base64 (of either alphabet). Raise `ValueError` for anything else."""
    try:
        return len(base64.b64decode(data.replace("-", "+").replace("_", "/") + "=" * (-len(data) % 4), validate=True))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True)
class Medium:
    """An image, a document, ... in a message."""

    kind: str
    media_type: str
    size: int | None = None
    address: str | None = None

    def __str__(self) -> str:
        return f"{self.media_type}, {self.address or f'{self.size} bytes'}"


@dataclass(frozen=True)
class ToolResult:
    """The result of a tool call."""

    id: str
    name: str
    text: str
    is_error: bool = False


@dataclass(frozen=True)
class SimulatedCall:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class TextPart:
    text: str


@dataclass(frozen=True)
class ThinkingPart:
    text: str
    redacted: bool = False


Part: TypeAlias = SimulatedCall | TextPart | ThinkingPart


@dataclass
class SimulatedTurn:
    role: Literal["user", "assistant", "system"]
    text: str = ""
    calls: list[SimulatedCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    media: list[Medium] = field(default_factory=list)


@dataclass
class SimulatedRequest:
    """`choice`: auto, none, required, or the name of a tool. `schema`: that of the structured output, {} for any JSON."""

    dialect: str
    model: str
    turns: list[SimulatedTurn]
    system: str = ""
    tools: dict[str, Any] = field(default_factory=dict)
    choice: str = "auto"
    parallel: bool = True
    schema: dict[str, Any] | None = None
    thinking: bool = False
    max_tokens: int | None = None
    stop: list[str] = field(default_factory=list)
    count: int = 1
    parameters: dict[str, Any] = field(default_factory=dict)
    """The other parameters, as `[[reflect]]` shows them."""

    def prompt_tokens(self) -> int:
        words = token_count(self.system) + sum(token_count(repr(schema)) for schema in self.tools.values())
        for turn in self.turns:
            words += 4 + token_count(turn.text) + 85 * len(turn.media)
            words += sum(token_count(result.text) for result in turn.results)
            words += sum(token_count(repr(call.arguments)) for call in turn.calls)
        return words + 3


@dataclass(frozen=True)
class SimulatedReply:
    """`finish`: stop, length, tools, filter, refusal, stop_sequence."""

    parts: tuple[Part, ...]
    finish: str = "stop"
    stop_sequence: str | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def thoughts(self) -> list[ThinkingPart]:
        return [part for part in self.parts if isinstance(part, ThinkingPart)]

    @property
    def calls(self) -> list[SimulatedCall]:
        return [part for part in self.parts if isinstance(part, SimulatedCall)]

    def reasoning_tokens(self) -> int:
        return sum(len(split_tokens(part.text)) for part in self.thoughts)

    def output_tokens(self) -> int:
        called = sum(8 + token_count(repr(call.arguments)) for call in self.calls)
        return max(1, len(split_tokens(self.text)) + called + self.reasoning_tokens())


@dataclass(frozen=True)
class SimulatedUsage:
    """Disjoint buckets."""

    fresh: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        return self.fresh + self.cache_read + self.cache_write_5m + self.cache_write_1h


@dataclass(frozen=True)
class WholeAnswer:
    """An answer in one piece."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class SimulatedStream:
    """An answer in pieces; `broken` is the event of an error within it, `malformed` one that is not JSON."""

    chunks: list[bytes]
    broken: bytes
    malformed: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"


Answer: TypeAlias = WholeAnswer | SimulatedStream


class SimulatedError(Exception):
    """An error of a simulated provider; `body` has the provider's shape."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, headers or {}
