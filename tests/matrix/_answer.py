"""What the matrix asks of each SDK, and what it reads from each, in one form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

__all__ = ["Answer", "Asked", "Caller", "ToolUse"]


class ToolUse(NamedTuple):
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """`message` is the SDK's own, to be put back into the conversation as it is."""

    text: str
    calls: list[ToolUse]
    thoughts: str
    finish: str
    tokens_in: int
    tokens_out: int
    reasoning_tokens: int
    message: Any


@dataclass
class Asked:
    """`tools`: name -> schema of the parameters. `schema`: of a structured answer."""

    model: str
    stream: bool
    system: str = ""
    tools: dict[str, Any] = field(default_factory=dict)
    schema: dict[str, Any] | None = None
    thinking: bool = False


class Caller(Protocol):
    """One SDK: its conversation in its own shapes, and its synchronous and its asynchronous client."""

    def user(self, text: str, image: bytes | None = None) -> Any: ...

    def assistant(self, answer: Answer) -> Any: ...

    def results(self, calls: list[ToolUse], texts: list[str]) -> list[Any]: ...

    def ask(self, asked: Asked, messages: list[Any]) -> Answer: ...

    async def ask_async(self, asked: Asked, messages: list[Any]) -> Answer: ...

    async def close(self) -> None: ...
