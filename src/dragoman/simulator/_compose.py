"""What the simulated model says: the same answer for the same request and seed."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from dragoman.simulator._ask import (
    Part,
    Result,
    Say,
    SimulatedCall,
    SimulatedReply,
    SimulatedRequest,
    SimulatedTurn,
    Think,
    chance,
    tokens,
)
from dragoman.simulator._directives import directives, planned_calls, without_directives
from dragoman.simulator._instance import instance

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


def task(ask: SimulatedRequest) -> tuple[SimulatedTurn, list[SimulatedTurn]]:
    """The user's turn that set the task, and the turns after it.

    A text that comes with or right after tool results sets no new task (callers put images of results there),
    unless it has directives.
    """
    start = 0
    for index, turn in enumerate(ask.turns):
        if turn.role != "user" or not (turn.text or turn.media):
            continue
        before = ask.turns[index - 1] if index else None
        answers_tools = bool(turn.results or (before and before.role == "user" and before.results))
        if not answers_tools or directives(turn.text):
            start = index
    return (ask.turns[start], ask.turns[start + 1 :]) if ask.turns else (SimulatedTurn("user"), [])


def compose(ask: SimulatedRequest, seed: int) -> SimulatedReply:
    turn, after = task(ask)
    said = directives(turn.text)
    salt = chance(seed, ask.model, turn.text, len(after))
    calls = _calls(ask, turn, after, said, salt)
    parts: list[Part] = _thoughts(ask, said, turn, len(after))
    if calls:
        if len(after) % 4 == 0 and "turns" in said:
            parts.append(Say("I will look that up."))
        return SimulatedReply((*parts, *calls), "tools")
    if "refuse" in said:
        return SimulatedReply(tuple(parts), "refusal", refusal=said["refuse"] or "I cannot help with that.")
    text = _final_text(ask, turn, after, said, salt)
    return _limited(ask, parts, text, said.get("finish", "stop"))


def _thoughts(ask: SimulatedRequest, said: dict[str, str], turn: SimulatedTurn, step: int) -> list[Part]:
    if not ask.thinking and "think" not in said:
        return []
    thought = said.get("think") or f"Step {step}: the user wants: {without_directives(turn.text)[:60]}"
    parts: list[Part] = [Think(thought)]
    if "redacted" in said:
        parts.append(Think(f"secret {chance(thought)}", redacted=True))
    return parts


def _calls(
    ask: SimulatedRequest, turn: SimulatedTurn, after: list[SimulatedTurn], said: dict[str, str], salt: int
) -> list[SimulatedCall]:
    if not ask.tools or ask.choice == "none":
        return []
    if ask.choice in ask.tools:
        wanted = [entry for entry in _scripted(ask, turn, said) if entry[0] == ask.choice]
        return _made(ask, wanted[:1] or [(ask.choice, None)], salt)
    batches = _batches(ask, turn, said)
    if not ask.parallel:
        batches = [[call] for batch in batches for call in batch]
    step = sum(1 for other in after if other.calls)
    if step < len(batches):
        return _made(ask, batches[step], salt)
    return _made(ask, [(next(iter(ask.tools)), None)], salt) if ask.choice == "required" else []


def _made(ask: SimulatedRequest, wanted: list[tuple[str, Any]], salt: int) -> list[SimulatedCall]:
    return [
        SimulatedCall(
            f"{chance(salt, index):016x}",
            name,
            instance(ask.tools.get(name), salt + index) if arguments is None else arguments,
        )
        for index, (name, arguments) in enumerate(wanted)
    ]


def _batches(ask: SimulatedRequest, turn: SimulatedTurn, said: dict[str, str]) -> list[list[tuple[str, Any]]]:
    if "turns" in said:
        many, _, wide = said["turns"].partition("x")
        names, width = list(ask.tools), int(wide or 2)
        return [[(names[(step + k) % len(names)], None) for k in range(width)] for step in range(int(many))]
    scripted = _scripted(ask, turn, said)
    return [scripted] if scripted else []


def _scripted(ask: SimulatedRequest, turn: SimulatedTurn, said: dict[str, str]) -> list[tuple[str, Any]]:
    if "tools" in said:
        return list(planned_calls(said["tools"]))
    calls: list[tuple[str, Any]] = []
    for name, schema in ask.tools.items():
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
    ask: SimulatedRequest, turn: SimulatedTurn, after: list[SimulatedTurn], said: dict[str, str], salt: int
) -> str:
    if "say" in said:
        return said["say"]
    if said.get("json"):
        return said["json"]
    if ask.schema is not None or "json" in said:
        return json.dumps(_structured(ask, turn, salt), ensure_ascii=False)
    if "reflect" in said:
        return json.dumps(_reflection(ask), ensure_ascii=False)
    if "words" in said:
        return " ".join(_WORDS[n % len(_WORDS)] for n in range(int(said["words"])))
    results = [result for other in after for result in other.results]
    if results:
        return "Results: " + "; ".join(_reported(result) for result in results)
    return _spoken(ask, turn)


def _structured(ask: SimulatedRequest, turn: SimulatedTurn, salt: int) -> Any:
    return instance(ask.schema, salt) if ask.schema else {"said": without_directives(turn.text)}


def _reported(result: Result) -> str:
    return f"{result.name} -> {'failed: ' if result.is_error else ''}{result.text}"


def _spoken(ask: SimulatedRequest, turn: SimulatedTurn) -> str:
    text = f"You said: {without_directives(turn.text)}"
    kinds = Counter(medium.kind for medium in turn.media)
    for kind, count in kinds.items():
        shown = "; ".join(str(medium) for medium in turn.media if medium.kind == kind)
        text += f"\nI saw {count} {kind}{'s' if count > 1 else ''}: {shown}"
    return text


def _reflection(ask: SimulatedRequest) -> dict[str, Any]:
    """Everything that was understood of the request."""
    return {
        "dialect": ask.dialect,
        "model": ask.model,
        "system": ask.system,
        "turns": [
            {
                "role": turn.role,
                "text": turn.text,
                "calls": [{"name": call.name, "arguments": call.arguments} for call in turn.calls],
                "results": [{"name": r.name, "text": r.text, "is_error": r.is_error} for r in turn.results],
                "media": [[m.kind, m.media_type, m.size, m.address] for m in turn.media],
            }
            for turn in ask.turns
        ],
        "tools": ask.tools,
        "choice": ask.choice,
        "parallel": ask.parallel,
        "schema": ask.schema,
        "thinking": ask.thinking,
        "max_tokens": ask.max_tokens,
        "stop": ask.stop,
        "parameters": ask.parameters,
    }


def _limited(ask: SimulatedRequest, parts: list[Part], text: str, finish: str) -> SimulatedReply:
    """`text` up to the first stop sequence and the limit of tokens."""
    hits = [(text.index(stop), stop) for stop in ask.stop if stop and stop in text]
    if hits:
        at, stop = min(hits)
        return SimulatedReply((*parts, Say(text[:at])), "stop_sequence", stop)
    pieces = tokens(text)
    if ask.max_tokens is not None:
        left = ask.max_tokens - SimulatedReply(tuple(parts)).reasoning_tokens()
        if len(pieces) > left:
            return SimulatedReply((*parts, Say("".join(pieces[: max(left, 0)]))), "length")
    return SimulatedReply((*parts, Say(text)), finish)
