"""Write the parameters of a request as `generationConfig` and the fields beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from dragoman.dialects.gemini.accent import GeminiWriteContext
from dragoman.dialects.gemini.params import CONFIG_PARAMS, LEVELS, PARAMS, TIERS_TO_WIRE
from dragoman.dialects.gemini.tools_write import write_schema
from dragoman.dialects.reasoning import (
    budget_for_effort,
    effort_for_budget,
    nearest_effort,
    report_without_control,
)
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject
from dragoman.types.request_params import is_neutral

__all__ = ["report_unsupported", "write_body_params", "write_config"]

_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_HARMLESS = frozenset({"store", "cache_control"})
"""Parameters without which the answer is the same, beside the bookkeeping that no dialect refuses."""
_READ_ELSEWHERE = frozenset({"model", "messages", "parallel_tool_calls"})


def write_config(request: ChatRequest, context: GeminiWriteContext, *, native_json: bool) -> JsonObject:
    """Return `generationConfig`. `native_json` is False where a tool stands in for structured output."""
    config: JsonObject = {}
    for name, wire_name, wire_type in CONFIG_PARAMS:
        value = _value(request, name, context)
        if name == "max_tokens":
            value = _value(request, "max_completion_tokens", context) or value
        if value is not None:
            config[wire_name] = expect(value, wire_type, name)
    stop = _value(request, "stop", context)
    if stop is not None:
        config["stopSequences"] = [stop] if isinstance(stop, str) else expect_list(stop, "stop")
    if native_json:
        config.update(_response_format(request, context))
    config.update(_modalities(request, context))
    thinking = _thinking(request, context)
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _value(request: ChatRequest, name: str, context: GeminiWriteContext) -> Any:
    """Return the value of a parameter, or None where it is absent or one that the model does not take."""
    value = request.get(name)
    if value is None:
        return None
    if name in _SAMPLING and context.target.facts.sampling is False and not context.drops.allowed(name):
        if not is_neutral(name, value):
            context.drops.unsupported(name, "the model takes no sampling parameters")
        return None
    return value


def _response_format(request: ChatRequest, context: GeminiWriteContext) -> JsonObject:
    response_format = _value(request, "response_format", context)
    if response_format is None:
        return {}
    response_format = expect_object(response_format, "response_format")
    kind = response_format.get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"responseMimeType": "application/json"}
    if kind != "json_schema":
        raise bad("response_format.type", f"unknown type {kind!r}")
    schema = expect_object(response_format.get("json_schema"), "response_format.json_schema")
    path = "response_format.json_schema.schema"
    json_schema = write_schema(schema.get("schema") or {}, path, context, strict=schema.get("strict") is True)
    return {"responseMimeType": "application/json", "responseJsonSchema": json_schema}


def _modalities(request: ChatRequest, context: GeminiWriteContext) -> JsonObject:
    config: JsonObject = {}
    modalities = _value(request, "modalities", context)
    if modalities is not None:
        names = [expect_str(name, "modalities").upper() for name in expect_list(modalities, "modalities")]
        # A speech model returns audio and nothing beside it: https://ai.google.dev/gemini-api/docs/speech-generation
        config["responseModalities"] = ["AUDIO"] if "AUDIO" in names else names
    audio = _value(request, "audio", context)
    if audio is not None:
        audio = expect_object(audio, "audio")
        voice = audio.get("voice")
        if isinstance(voice, str):
            config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
        if audio.get("format") not in (None, "pcm16"):
            context.drops.degraded("audio.format")
    return config


class _Reasoning(NamedTuple):
    """What a request says about reasoning: by `thinking` or, without it, by `reasoning_effort`."""

    param: str
    """The parameter that decides, for reports."""
    kind: str | None
    """The type of `thinking`: enabled, adaptive, disabled."""
    effort: str | None
    budget: Any
    display: Any

    @property
    def has_strength(self) -> bool:
        return self.effort is not None or self.budget is not None


def _reasoning(request: ChatRequest, context: GeminiWriteContext) -> _Reasoning | None:
    effort = _value(request, "reasoning_effort", context)
    effort = expect_str(effort, "reasoning_effort") if effort not in (None, "default") else None
    thinking = _value(request, "thinking", context)
    if thinking is None:
        kind = "disabled" if effort == "none" else None
        return _Reasoning("reasoning_effort", kind, effort, None, None) if effort is not None else None
    thinking = expect_object(thinking, "thinking")
    return _Reasoning("thinking", thinking.get("type"), effort, thinking.get("budget_tokens"), thinking.get("display"))


def _thinking(request: ChatRequest, context: GeminiWriteContext) -> JsonObject:
    """Return `thinkingConfig`. `thinking` wins over `reasoning_effort`; adaptive thinking takes its strength from it.

    https://ai.google.dev/gemini-api/docs/thinking
    """
    reasoning = _reasoning(request, context)
    if reasoning is None:
        return {}
    if reasoning.kind == "disabled":
        return _no_thinking(reasoning.param, context)
    facts = context.target.facts
    if facts.reasoning == "none":
        report_without_control(reasoning.param, facts, context.drops, off=False, strength=reasoning.has_strength)
        return {}
    config = _strength(reasoning, context)
    if not config and reasoning.kind == "adaptive" and facts.reasoning == "budget":
        config["thinkingBudget"] = -1
    if reasoning.display != "omitted":
        config["includeThoughts"] = True
    return config


def _no_thinking(param: str, context: GeminiWriteContext) -> JsonObject:
    facts = context.target.facts
    if facts.reasoning == "none":
        report_without_control(param, facts, context.drops, off=True, strength=False)
        return {}
    if facts.reasoning == "level":
        # Gemini 3 always thinks: https://ai.google.dev/gemini-api/docs/thinking#thinking-levels
        context.drops.degraded(param)
        return {"thinkingLevel": next((level for level in LEVELS if level in facts.effort_levels), "low")}
    if facts.can_disable_reasoning is False:
        context.drops.degraded(param)
        return {"thinkingBudget": budget_for_effort("minimal")}
    return {"thinkingBudget": 0}


def _strength(reasoning: _Reasoning, context: GeminiWriteContext) -> JsonObject:
    """Return a level where the model takes levels, else a budget, which models that take levels accept too."""
    enabled = reasoning.kind == "enabled"
    effort = None if enabled else reasoning.effort
    budget = reasoning.budget if enabled else None
    if budget is not None:
        budget = expect(budget, int, "thinking.budget_tokens")
    write = _thinking_level if context.target.facts.reasoning == "level" else _thinking_budget
    return write(effort, budget, context)


def _thinking_level(effort: str | None, budget: int | None, context: GeminiWriteContext) -> JsonObject:
    if not effort:
        effort = effort_for_budget(budget) if budget is not None and budget > 0 else None
    if not effort:
        return {}
    levels = tuple(level.lower() for level in context.target.facts.effort_levels) or LEVELS
    level = nearest_effort(effort, levels)
    if level != effort and budget is None:
        context.drops.degraded("reasoning_effort")
    return {"thinkingLevel": level}


def _thinking_budget(effort: str | None, budget: int | None, context: GeminiWriteContext) -> JsonObject:
    if effort is not None:
        try:
            budget = budget_for_effort(effort)
        except KeyError:
            raise bad("reasoning_effort", f"unknown effort {effort!r}") from None
    if budget is None:
        return {}
    limit = context.target.facts.max_budget_tokens
    if limit is not None and budget > limit:
        context.drops.degraded("thinking.budget_tokens")
        budget = limit
    return {"thinkingBudget": budget}


def write_body_params(request: ChatRequest, context: GeminiWriteContext) -> JsonObject:
    """Return the fields beside `generationConfig`."""
    body: JsonObject = {}
    safety = _value(request, "safety_settings", context)
    if safety is not None:
        body["safetySettings"] = expect_list(safety, "safety_settings")
    cached = _value(request, "cached_content", context)
    if cached is not None:
        body["cachedContent"] = expect_str(cached, "cached_content")
    tier = _value(request, "service_tier", context)
    if tier is not None:
        tier = TIERS_TO_WIRE.get(expect_str(tier, "service_tier"), tier)
        if tier is not None:
            body["serviceTier"] = tier
    metadata = _value(request, "metadata", context)
    if metadata:
        if context.accent.labels and all(isinstance(value, str) for value in metadata.values()):
            body["labels"] = metadata
        else:
            context.drops.degraded("metadata")
    return body


def report_unsupported(request: Mapping[str, Any], body: JsonObject, context: GeminiWriteContext) -> None:
    """Report the parameters that Google has no field for, or send them where the caller insists that it does."""
    for name, value in request.items():
        if value is not None and PARAMS.get(name) is None and name not in _READ_ELSEWHERE:
            _send_or_report(name, value, body, context)
    if request.get("parallel_tool_calls") is False and (request.get("tools") or request.get("functions")):
        context.drops.degraded("parallel_tool_calls")


def _send_or_report(name: str, value: Any, body: JsonObject, context: GeminiWriteContext) -> None:
    if context.drops.allowed(name):
        body[name] = value
    elif is_neutral(name, value) or value == "":
        return
    elif name in _HARMLESS:
        context.drops.degraded(name)
    else:
        context.drops.leave_out(name)
