"""What OpenAI's newest models take only at some efforts: sampling, and in Chat Completions functions."""

from __future__ import annotations

from dragoman.dialects.openai_chat.writing import NEUTRAL, Writing
from dragoman.types.json import JsonObject

__all__ = ["fit_to_effort"]

_BESIDE = {"tools": ("tool_choice", "parallel_tool_calls"), "functions": ("function_call",)}
"""What is refused without them."""


def fit_to_effort(body: JsonObject, writing: Writing) -> None:
    """Refuse or leave out what does not go with the effort that was written, or else with the model's own."""
    _functions(body, writing)
    _sampling(body, writing)


def _functions(body: JsonObject, writing: Writing) -> None:
    drops, facts = writing.drops, writing.target.facts
    if facts.tool_efforts is None or not (body.get("tools") or body.get("functions")):
        return
    if not facts.tool_efforts:
        _without_functions(body, writing)
        return
    effort = body.get("reasoning_effort", facts.default_effort)
    if effort in facts.tool_efforts or not effort or drops.allowed("reasoning_effort"):
        return
    only = " or ".join(repr(word) for word in facts.tool_efforts)
    if "reasoning_effort" in body:
        drops.unsupported("reasoning_effort", f"with tools, Chat Completions takes only {only} for this model")
    elif not writing.target.drop_params:
        return  # nobody asked for an effort: what the provider says is clear enough
    else:
        drops.degraded("reasoning_effort")
    body["reasoning_effort"] = facts.tool_efforts[0]


def _without_functions(body: JsonObject, writing: Writing) -> None:
    for key in ("tools", "functions"):
        if body.get(key) and not writing.drops.allowed(key):
            writing.drops.unsupported(key, "the model takes functions only through the Responses API")
            for name in (key, *_BESIDE[key]):
                body.pop(name, None)


def _sampling(body: JsonObject, writing: Writing) -> None:
    efforts = writing.target.facts.sampling_efforts
    effort = body.get("reasoning_effort", writing.target.facts.default_effort)
    if efforts is None or not effort or effort in efforts:
        return
    why = f"the model takes it only with the reasoning effort {' or '.join(map(repr, efforts))}"
    for key in writing.accent.sampling_params:
        if key in body and not writing.drops.allowed(key) and body.pop(key) != NEUTRAL.get(key):
            writing.drops.unsupported(key, why)
