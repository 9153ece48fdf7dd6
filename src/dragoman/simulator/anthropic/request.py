"""Check Anthropic's requests as Anthropic does, and read them."""

from __future__ import annotations

from typing import Any, Literal

from dragoman.simulator.anthropic.errors import bad_request, shape_refusal
from dragoman.simulator.anthropic.rules import check_rules, output_format_of
from dragoman.simulator.anthropic.shapes import COUNT, MESSAGES
from dragoman.simulator.exchange import Medium, SimulatedCall, SimulatedRequest, SimulatedTurn, ToolResult, decoded_size
from dragoman.simulator.faults import Faults
from dragoman.simulator.fields import list_in, object_in
from dragoman.simulator.shape_checks import Check, ShapeError

__all__ = ["read_count", "read_messages"]

_SHOWN = (
    "temperature", "top_p", "top_k", "metadata", "service_tier", "thinking", "output_config", "output_format", "tool_choice",
    "container",
)  # fmt: skip


def read_messages(body: Any, model: str, faults: Faults) -> SimulatedRequest:
    return _read(body, model, faults, MESSAGES)


def read_count(body: Any, model: str, faults: Faults) -> SimulatedRequest:
    return _read(body, model, faults, COUNT)


def _read(body: Any, model: str, faults: Faults, shape: Check) -> SimulatedRequest:
    try:
        shape(body, ())
    except ShapeError as error:
        raise shape_refusal(error) from None
    check_rules(body, faults)
    choice = body.get("tool_choice") or {"type": "auto"}
    return SimulatedRequest(
        dialect="anthropic",
        model=model,
        turns=_turns(body["messages"]),
        system=_text(body.get("system")),
        tools={tool["name"]: tool["input_schema"] for tool in list_in(body, "tools") if "input_schema" in tool},
        choice={"any": "required", "tool": choice.get("name", "")}.get(choice["type"], choice["type"]),
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=_schema(body),
        thinking=object_in(body, "thinking").get("type", "disabled") != "disabled",
        max_tokens=body.get("max_tokens"),
        stop=list_in(body, "stop_sequences"),
        parameters={name: body[name] for name in _SHOWN if body.get(name) is not None},
    )


def _schema(body: Any) -> dict[str, Any] | None:
    output_format = output_format_of(body)
    return dict(output_format["schema"]) if output_format else None


def _turns(messages: list[Any]) -> list[SimulatedTurn]:
    names: dict[str, str] = {}
    turns = []
    for index, message in enumerate(messages):
        turn = _turn(message["role"], message["content"], index, names)
        names |= {call.id: call.name for call in turn.calls}
        turns.append(turn)
    return turns


def _turn(role: Literal["user", "assistant"], content: Any, index: int, names: dict[str, str]) -> SimulatedTurn:
    if isinstance(content, str):
        return SimulatedTurn(role, content)
    turn = SimulatedTurn(role, _text(content))
    for k, block in enumerate(content):
        where = f"messages.{index}.content.{k}"
        if block["type"] == "tool_use":
            turn.calls.append(SimulatedCall(block["id"], block["name"], block["input"]))
        elif block["type"] == "tool_result":
            inner = block.get("content") or ""
            name = names.get(block["tool_use_id"], "?")
            turn.results.append(ToolResult(block["tool_use_id"], name, _text(inner), bool(block.get("is_error"))))
            turn.media += [
                _medium(part, where)
                for part in inner
                if isinstance(part, dict) and part["type"] in ("image", "document")
            ]
        elif block["type"] in ("image", "document"):
            turn.media.append(_medium(block, where))
    return turn


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(block["text"] for block in content if block["type"] == "text")
    return content or ""


def _medium(block: Any, where: str) -> Medium:
    source, kind = block["source"], block["type"]
    if source["type"] == "base64":
        try:
            return Medium(kind, source["media_type"], decoded_size(source["data"]))
        except ValueError as error:
            raise bad_request(f"{where}.{kind}.source.base64: invalid base64 data: {error}") from None
    if source["type"] == "text":
        return Medium(kind, source["media_type"], len(source["data"].encode()))
    if source["type"] == "content":
        return Medium(kind, "text/plain", len(_text(source["content"]).encode()))
    return Medium(kind, kind, None, source.get("url") or source.get("file_id"))
