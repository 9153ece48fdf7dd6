"""Compose the answer of the simulated model: the same one for the same request and seed."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
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
    split_tokens,
    stable_number,
)
from dragoman.simulator.schema_instance import instance

__all__ = ["compose", "current_task"]

_SENTENCE = "the quick brown fox jumps over a lazy dog while seven wizards quietly box twelve jugs of liquor"
_WORDS = tuple(_SENTENCE.split(" "))


def current_task(request: SimulatedRequest) -> tuple[SimulatedTurn, list[SimulatedTurn]]:
    """Return the user's turn that set the task, and the turns after it."""
    start = 0
    for index, turn in enumerate(request.turns):
        if _sets_task(turn, request.turns[index - 1] if index else None):
            start = index
    return (request.turns[start], request.turns[start + 1 :]) if request.turns else (SimulatedTurn("user"), [])


def _sets_task(turn: SimulatedTurn, before: SimulatedTurn | None) -> bool:
    """Whether a turn sets a new task.

    A text that comes with or right after tool results does not (callers put images of results there), unless it has directives.
    """
    if turn.role != "user" or not (turn.text or turn.media):
        return False
    follows_results = bool(turn.results or (before and before.role == "user" and before.results))
    return not follows_results or bool(parse_directives(turn.text))


@dataclass(frozen=True)
class _Task:
    """A request, and what the task in it says."""

    request: SimulatedRequest
    turn: SimulatedTurn
    later_turns: list[SimulatedTurn]
    directives: dict[str, str]
    salt: int


def compose(request: SimulatedRequest, seed: int) -> SimulatedReply:
    """Return the reply to a request: always the same one for the same request and seed."""
    turn, later_turns = current_task(request)
    salt = stable_number(seed, request.model, turn.text, len(later_turns))
    task = _Task(request, turn, later_turns, parse_directives(turn.text), salt)
    calls = _calls(task)
    parts: list[Part] = _thoughts(task)
    if calls:
        if len(later_turns) % 4 == 0 and "turns" in task.directives:
            parts.append(TextPart("I will look that up."))
        return SimulatedReply((*parts, *calls), "tools")
    if "refuse" in task.directives:
        refusal = task.directives["refuse"] or "I cannot help with that."
        return SimulatedReply(tuple(parts), "refusal", refusal=refusal)
    return _limited(request, parts, _final_text(task), task.directives.get("finish", "stop"))


def _thoughts(task: _Task) -> list[Part]:
    if not task.request.thinking and "think" not in task.directives:
        return []
    default = f"Step {len(task.later_turns)}: the user wants: {without_directives(task.turn.text)[:60]}"
    thought = task.directives.get("think") or default
    parts: list[Part] = [ThinkingPart(thought)]
    if "redacted" in task.directives:
        parts.append(ThinkingPart(f"secret {stable_number(thought)}", redacted=True))
    return parts


def _calls(task: _Task) -> list[SimulatedCall]:
    """Return the calls of this step, by the request's choice among the tools."""
    request = task.request
    if not request.tools or request.choice == "none":
        return []
    if request.choice in request.tools:
        chosen = [entry for entry in _scripted(task) if entry[0] == request.choice]
        return _with_arguments(task, chosen[:1] or [(request.choice, None)])
    batch = _next_batch(task)
    if batch is None and request.choice == "required":
        batch = [(next(iter(request.tools)), None)]
    return _with_arguments(task, batch or [])


def _next_batch(task: _Task) -> list[tuple[str, Any]] | None:
    """Return the calls that the task wants next; None after the last."""
    batches = _batches(task)
    if not task.request.parallel:
        batches = [[call] for batch in batches for call in batch]
    step = sum(1 for turn in task.later_turns if turn.calls)
    return batches[step] if step < len(batches) else None


def _with_arguments(task: _Task, calls: list[tuple[str, Any]]) -> list[SimulatedCall]:
    """Make up the arguments that the task does not give."""
    return [
        SimulatedCall(
            f"{stable_number(task.salt, index):016x}",
            name,
            instance(task.request.tools.get(name), task.salt + index) if arguments is None else arguments,
        )
        for index, (name, arguments) in enumerate(calls)
    ]


def _batches(task: _Task) -> list[list[tuple[str, Any]]]:
    if "turns" in task.directives:
        count, _, width = task.directives["turns"].partition("x")
        names, size = list(task.request.tools), int(width or 2)
        return [[(names[(step + k) % len(names)], None) for k in range(size)] for step in range(int(count))]
    scripted = _scripted(task)
    return [scripted] if scripted else []


def _scripted(task: _Task) -> list[tuple[str, Any]]:
    """Return the calls of a directive, or of the tools that the text names."""
    if "tools" in task.directives:
        return list(planned_calls(task.directives["tools"]))
    text = task.turn.text
    calls: list[tuple[str, Any]] = []
    for name, schema in task.request.tools.items():
        argument_lists = re.findall(rf"\b{re.escape(name)}\(([^()]*)\)", text)
        calls += [(name, _positional(schema, arguments)) for arguments in argument_lists]
        if not argument_lists and re.search(rf"\b{re.escape(name).replace('_', '[_ ]')}\b", text, re.IGNORECASE):
            calls.append((name, None))
    return calls


def _positional(schema: Any, arguments: str) -> dict[str, Any] | None:
    """Return the arguments of a call such as `add(2, 3)`, by the order of the properties."""
    names = list((schema or {}).get("properties") or {})
    try:
        values = json.loads(f"[{arguments}]")
    except json.JSONDecodeError:
        return None
    return dict(zip(names, values, strict=False))


def _final_text(task: _Task) -> str:
    directives = task.directives
    if "say" in directives:
        return directives["say"]
    if "json" in directives or task.request.schema is not None:
        return directives.get("json") or json.dumps(_structured(task), ensure_ascii=False)
    if "reflect" in directives:
        return json.dumps(_reflection(task.request), ensure_ascii=False)
    if "words" in directives:
        return " ".join(_WORDS[n % len(_WORDS)] for n in range(int(directives["words"])))
    return _results_text(task.later_turns) or _echo(task.turn)


def _structured(task: _Task) -> Any:
    schema = task.request.schema
    return instance(schema, task.salt) if schema else {"said": without_directives(task.turn.text)}


def _results_text(turns: list[SimulatedTurn]) -> str:
    texts = [
        f"{result.name} -> {'failed: ' if result.is_error else ''}{result.text}"
        for turn in turns
        for result in turn.results
    ]
    return "Results: " + "; ".join(texts) if texts else ""


def _echo(turn: SimulatedTurn) -> str:
    text = f"You said: {without_directives(turn.text)}"
    kinds = Counter(medium.kind for medium in turn.media)
    for kind, count in kinds.items():
        media = "; ".join(str(medium) for medium in turn.media if medium.kind == kind)
        text += f"\nI saw {count} {kind}{'s' if count > 1 else ''}: {media}"
    return text


def _reflection(request: SimulatedRequest) -> dict[str, Any]:
    """Return all that was read of the request."""
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
    """Return the reply with `text` up to the first stop sequence and the limit of tokens."""
    hits = [(text.index(stop), stop) for stop in request.stop if stop and stop in text]
    if hits:
        at, stop = min(hits)
        return SimulatedReply((*parts, TextPart(text[:at])), "stop_sequence", stop)
    pieces = split_tokens(text)
    if request.max_tokens is not None:
        rest = request.max_tokens - SimulatedReply(tuple(parts)).reasoning_tokens()
        if len(pieces) > rest:
            return SimulatedReply((*parts, TextPart("".join(pieces[: max(rest, 0)]))), "length")
    return SimulatedReply((*parts, TextPart(text)), finish)
