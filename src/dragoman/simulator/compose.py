"""What the simulated model says: the same answer for the same request and seed."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from dragoman.simulator.directives import parse_directives, planned_calls, without_directives
from dragoman.simulator.exchange import (
    Part,
    SimulatedCall,
    SimulatedReply,
    SimulatedRequest,
    SimulatedTurn,
    TextPart,
    ThinkingPart,
    ToolResult,
    split_tokens,
    stable_number,
)
from dragoman.simulator.schema_instance import instance

__all__ = ["compose", "task"]

_WORDS = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "a",
    "lazy",
    "dog",
    "while",
    "seven",
    "wizards",
    "quietly",
    "box",
    "twelve",
    "jugs",
    "of",
    "liquor",
]


def task(request: SimulatedRequest) -> tuple[SimulatedTurn, list[SimulatedTurn]]:
    """The user's turn that set the task, and the turns after it.

    A text that comes with or right after tool results sets no new task (callers put images of results there),
    unless it has directives.
    """
    start = 0
    for index, turn in enumerate(request.turns):
        if turn.role != "user" or not (turn.text or turn.media):
            continue
        before = request.turns[index - 1] if index else None
        answers_tools = bool(turn.results or (before and before.role == "user" and before.results))
        if not answers_tools or parse_directives(turn.text):
            start = index
    return (request.turns[start], request.turns[start + 1 :]) if request.turns else (SimulatedTurn("user"), [])


def compose(request: SimulatedRequest, seed: int) -> SimulatedReply:
    turn, after = task(request)
    said = parse_directives(turn.text)
    salt = stable_number(seed, request.model, turn.text, len(after))
    calls = _calls(request, turn, after, said, salt)
    parts: list[Part] = _thoughts(request, said, turn, len(after))
    if calls:
        if len(after) % 4 == 0 and "turns" in said:
            parts.append(TextPart("I will look that up."))
        return SimulatedReply((*parts, *calls), "tools")
    if "refuse" in said:
        return SimulatedReply(tuple(parts), "refusal", refusal=said["refuse"] or "I cannot help with that.")
    text = _final_text(request, turn, after, said, salt)
    return _limited(request, parts, text, said.get("finish", "stop"))


def _thoughts(request: SimulatedRequest, said: dict[str, str], turn: SimulatedTurn, step: int) -> list[Part]:
    if not request.thinking and "think" not in said:
        return []
    thought = said.get("think") or f"Step {step}: the user wants: {without_directives(turn.text)[:60]}"
    parts: list[Part] = [ThinkingPart(thought)]
    if "redacted" in said:
        parts.append(ThinkingPart(f"secret {stable_number(thought)}", redacted=True))
    return parts


def _calls(
    request: SimulatedRequest, turn: SimulatedTurn, after: list[SimulatedTurn], said: dict[str, str], salt: int
) -> list[SimulatedCall]:
    if not request.tools or request.choice == "none":
        return []
    if request.choice in request.tools:
        wanted = [entry for entry in _scripted(request, turn, said) if entry[0] == request.choice]
        return _made(request, wanted[:1] or [(request.choice, None)], salt)
    batches = _batches(request, turn, said)
    if not request.parallel:
        batches = [[call] for batch in batches for call in batch]
    step = sum(1 for other in after if other.calls)
    if step < len(batches):
        return _made(request, batches[step], salt)
    return _made(request, [(next(iter(request.tools)), None)], salt) if request.choice == "required" else []


def _made(request: SimulatedRequest, wanted: list[tuple[str, Any]], salt: int) -> list[SimulatedCall]:
    return [
        SimulatedCall(
            f"{stable_number(salt, index):016x}",
            name,
            instance(request.tools.get(name), salt + index) if arguments is None else arguments,
        )
        for index, (name, arguments) in enumerate(wanted)
    ]


def _batches(request: SimulatedRequest, turn: SimulatedTurn, said: dict[str, str]) -> list[list[tuple[str, Any]]]:
    if "turns" in said:
        many, _, wide = said["turns"].partition("x")
        names, width = list(request.tools), int(wide or 2)
        return [[(names[(step + k) % len(names)], None) for k in range(width)] for step in range(int(many))]
    scripted = _scripted(request, turn, said)
    return [scripted] if scripted else []


def _scripted(request: SimulatedRequest, turn: SimulatedTurn, said: dict[str, str]) -> list[tuple[str, Any]]:
    if "tools" in said:
        return list(planned_calls(said["tools"]))
    calls: list[tuple[str, Any]] = []
    for name, schema in request.tools.items():
        written = re.findall(rf"\b{re.escape(name)}\(([^()]*)\)", turn.text)
        calls += [(name, _positional(schema, arguments)) for arguments in written]
        if not written and re.search(rf"\b{re.escape(name).replace('_', '[_ ]')}\b", turn.text, re.IGNORECASE):
            calls.append((name, None))
    return calls


def _positional(schema: Any, arguments: str) -> dict[str, Any] | None:
    """`2, 3` for the first two properties."""
    names = list((schema or {}).get("properties") or {})
    try:
        values = json.loads(f"[{arguments}]")
    except json.JSONDecodeError:
        return None
    return dict(zip(names, values, strict=False))


def _final_text(
    request: SimulatedRequest, turn: SimulatedTurn, after: list[SimulatedTurn], said: dict[str, str], salt: int
) -> str:
    if "say" in said:
        return said["say"]
    if said.get("json"):
        return said["json"]
    if request.schema is not None or "json" in said:
        return json.dumps(_structured(request, turn, salt), ensure_ascii=False)
    if "reflect" in said:
        return json.dumps(_reflection(request), ensure_ascii=False)
    if "words" in said:
        return " ".join(_WORDS[n % len(_WORDS)] for n in range(int(said["words"])))
    results = [result for other in after for result in other.results]
    if results:
        return "Results: " + "; ".join(_reported(result) for result in results)
    return _spoken(request, turn)


def _structured(request: SimulatedRequest, turn: SimulatedTurn, salt: int) -> Any:
    return instance(request.schema, salt) if request.schema else {"said": without_directives(turn.text)}


def _reported(result: ToolResult) -> str:
    return f"{result.name} -> {'failed: ' if result.is_error else ''}{result.text}"


def _spoken(request: SimulatedRequest, turn: SimulatedTurn) -> str:
    text = f"You said: {without_directives(turn.text)}"
    kinds = Counter(medium.kind for medium in turn.media)
    for kind, count in kinds.items():
        shown = "; ".join(str(medium) for medium in turn.media if medium.kind == kind)
        text += f"\nI saw {count} {kind}{'s' if count > 1 else ''}: {shown}"
    return text


def _reflection(request: SimulatedRequest) -> dict[str, Any]:
    """Everything that was understood of the request."""
    return {
        "dialect": request.dialect,
        "model": request.model,
        "system": request.system,
        "turns": [
            {
                "role": turn.role,
                "text": turn.text,
                "calls": [{"name": call.name, "arguments": call.arguments} for call in turn.calls],
                "results": [{"name": r.name, "text": r.text, "is_error": r.is_error} for r in turn.results],
                "media": [[m.kind, m.media_type, m.size, m.address] for m in turn.media],
            }
            for turn in request.turns
        ],
        "tools": request.tools,
        "choice": request.choice,
        "parallel": request.parallel,
        "schema": request.schema,
        "thinking": request.thinking,
        "max_tokens": request.max_tokens,
        "stop": request.stop,
        "parameters": request.parameters,
    }


def _limited(request: SimulatedRequest, parts: list[Part], text: str, finish: str) -> SimulatedReply:
    """`text` up to the first stop sequence and the limit of tokens."""
    hits = [(text.index(stop), stop) for stop in request.stop if stop and stop in text]
    if hits:
        at, stop = min(hits)
        return SimulatedReply((*parts, TextPart(text[:at])), "stop_sequence", stop)
    pieces = split_tokens(text)
    if request.max_tokens is not None:
        left = request.max_tokens - SimulatedReply(tuple(parts)).reasoning_tokens()
        if len(pieces) > left:
            return SimulatedReply((*parts, TextPart("".join(pieces[: max(left, 0)]))), "length")
    return SimulatedReply((*parts, TextPart(text)), finish)
