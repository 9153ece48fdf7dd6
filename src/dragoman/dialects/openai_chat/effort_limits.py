"""Parameters that OpenAI's newest models take only at some efforts: sampling, and in Chat Completions functions.
https://platform.openai.com/docs/guides/latest-model"""

from __future__ import annotations

from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.types.json import JsonObject
from dragoman.types.request_params import is_neutral

__all__ = ["fit_to_effort"]

_COMPANIONS = {"tools": ("tool_choice", "parallel_tool_calls"), "functions": ("function_call",)}
"""Parameters that are refused without them."""


def fit_to_effort(body: JsonObject, context: ChatWriteContext) -> None:
    """Refuse or leave out what does not go with the effort that was written, or else with the model's own."""
    facts = context.target.facts
    if facts.tool_efforts is not None and (body.get("tools") or body.get("functions")):
        if facts.tool_efforts:
            _fit_effort_to_functions(body, facts.tool_efforts, context)
        else:
            _without_functions(body, context)
    _sampling(body, context)


def _fit_effort_to_functions(body: JsonObject, efforts: tuple[str, ...], context: ChatWriteContext) -> None:
    drops = context.drops
    effort = body.get("reasoning_effort", context.target.facts.default_effort)
    if not effort or effort in efforts or drops.allowed("reasoning_effort"):
        return
    if "reasoning_effort" in body:
        known = " or ".join(map(repr, efforts))
        drops.unsupported("reasoning_effort", f"with tools, Chat Completions takes only {known} for this model")
    elif context.target.drop_params:
        drops.degraded("reasoning_effort")
    else:
        return  # the request names no effort: the provider's own error is clear enough
    body["reasoning_effort"] = efforts[0]


def _without_functions(body: JsonObject, context: ChatWriteContext) -> None:
    for key, companions in _COMPANIONS.items():
        if body.get(key) and not context.drops.allowed(key):
            context.drops.unsupported(key, "the model takes functions only through the Responses API")
            for name in (key, *companions):
                body.pop(name, None)


def _sampling(body: JsonObject, context: ChatWriteContext) -> None:
    efforts = context.target.facts.sampling_efforts
    effort = body.get("reasoning_effort", context.target.facts.default_effort)
    if efforts is None or not effort or effort in efforts:
        return
    reason = f"the model takes it only with the reasoning effort {' or '.join(map(repr, efforts))}"
    for key in context.accent.sampling_params:
        if key in body and not context.drops.allowed(key) and not is_neutral(key, body.pop(key)):
            context.drops.unsupported(key, reason)
