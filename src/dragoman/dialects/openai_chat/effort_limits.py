"""What OpenAI's newest models take only at some efforts: sampling, and in Chat Completions functions."""

from __future__ import annotations

from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.types.json import JsonObject
from dragoman.types.request_params import is_neutral

__all__ = ["fit_to_effort"]

_BESIDE = {"tools": ("tool_choice", "parallel_tool_calls"), "functions": ("function_call",)}
"""What is refused without them."""


def fit_to_effort(body: JsonObject, context: ChatWriteContext) -> None:
    """Refuse or leave out what does not go with the effort that was written, or else with the model's own."""
    _functions(body, context)
    _sampling(body, context)


def _functions(body: JsonObject, context: ChatWriteContext) -> None:
    drops, facts = context.drops, context.target.facts
    if facts.tool_efforts is None or not (body.get("tools") or body.get("functions")):
        return
    if not facts.tool_efforts:
        _without_functions(body, context)
        return
    effort = body.get("reasoning_effort", facts.default_effort)
    if effort in facts.tool_efforts or not effort or drops.allowed("reasoning_effort"):
        return
    only = " or ".join(repr(word) for word in facts.tool_efforts)
    if "reasoning_effort" in body:
        drops.unsupported("reasoning_effort", f"with tools, Chat Completions takes only {only} for this model")
    elif not context.target.drop_params:
        return  # nobody asked for an effort: what the provider says is clear enough
    else:
        drops.degraded("reasoning_effort")
    body["reasoning_effort"] = facts.tool_efforts[0]


def _without_functions(body: JsonObject, context: ChatWriteContext) -> None:
    for key in ("tools", "functions"):
        if body.get(key) and not context.drops.allowed(key):
            context.drops.unsupported(key, "the model takes functions only through the Responses API")
            for name in (key, *_BESIDE[key]):
                body.pop(name, None)


def _sampling(body: JsonObject, context: ChatWriteContext) -> None:
    efforts = context.target.facts.sampling_efforts
    effort = body.get("reasoning_effort", context.target.facts.default_effort)
    if efforts is None or not effort or effort in efforts:
        return
    why = f"the model takes it only with the reasoning effort {' or '.join(map(repr, efforts))}"
    for key in context.accent.sampling_params:
        if key in body and not context.drops.allowed(key) and not is_neutral(key, body.pop(key)):
            context.drops.unsupported(key, why)
