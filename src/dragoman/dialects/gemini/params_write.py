"""The parameters of a request as `generationConfig` and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.dialects.drop_list import BOOKKEEPING
from dragoman.dialects.gemini.accent import GEMINI_API, GeminiAccent
from dragoman.dialects.gemini.assistant_write import Writing
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

__all__ = ["accent_of", "report_unsupported", "write_body_params", "write_config"]

_SAME = {
    "temperature": ("temperature", float),
    "top_p": ("topP", float),
    "top_k": ("topK", float),
    "n": ("candidateCount", int),
    "seed": ("seed", int),
    "presence_penalty": ("presencePenalty", float),
    "frequency_penalty": ("frequencyPenalty", float),
    "logprobs": ("responseLogprobs", bool),
    "top_logprobs": ("logprobs", int),
}
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_LEVELS = ("minimal", "low", "medium", "high")
_TIERS = {"default": "standard", "auto": None}
_WRITTEN = frozenset(
    {*_SAME, "model", "messages", "stream", "stream_options", "stop", "max_tokens", "max_completion_tokens", "tools",
     "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format", "reasoning_effort",
     "thinking", "modalities", "audio", "safety_settings", "cached_content", "service_tier", "web_search_options",
     "vendor_params", "metadata"}
)  # fmt: skip
_HARMLESS = BOOKKEEPING | {"store", "cache_control"}
"""Without these the answer is the same, or as good."""


def accent_of(writing: Writing) -> GeminiAccent:
    accent = writing.target.accent
    return accent if isinstance(accent, GeminiAccent) else GEMINI_API


def write_config(request: ChatRequest, writing: Writing, *, native_json: bool) -> JsonObject:
    """`generationConfig`. `native_json` is False where structured output goes by a tool."""
    config: JsonObject = {}
    for name, (wire, kind) in _SAME.items():
        value = _given(request, name, writing)
        if value is not None:
            config[wire] = expect(value, kind, name)
    limit = _given(request, "max_completion_tokens", writing) or _given(request, "max_tokens", writing)
    if limit is not None:
        config["maxOutputTokens"] = expect(limit, int, "max_tokens")
    stop = _given(request, "stop", writing)
    if stop is not None:
        config["stopSequences"] = [stop] if isinstance(stop, str) else expect_list(stop, "stop")
    if native_json:
        config.update(_response_format(request, writing))
    config.update(_modalities(request, writing))
    thinking = _thinking(request, writing)
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _given(request: ChatRequest, name: str, writing: Writing) -> Any:
    """The parameter, unless it is absent or one that the model does not take."""
    value = request.get(name)
    if value is None:
        return None
    if name in _SAMPLING and writing.target.facts.sampling is False and not writing.drops.allowed(name):
        writing.drops.unsupported(name)
        return None
    return value


def _response_format(request: ChatRequest, writing: Writing) -> JsonObject:
    wanted = _given(request, "response_format", writing)
    if wanted is None:
        return {}
    wanted = expect_object(wanted, "response_format")
    kind = wanted.get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"responseMimeType": "application/json"}
    if kind != "json_schema":
        raise bad("response_format.type", f"unknown type {kind!r}")
    schema = expect_object(wanted.get("json_schema"), "response_format.json_schema")
    path = "response_format.json_schema.schema"
    written = write_schema(schema.get("schema") or {}, path, writing, strict=schema.get("strict") is True)
    return {"responseMimeType": "application/json", "responseJsonSchema": written}


def _modalities(request: ChatRequest, writing: Writing) -> JsonObject:
    config: JsonObject = {}
    modalities = _given(request, "modalities", writing)
    if modalities is not None:
        found = [expect_str(name, "modalities").upper() for name in expect_list(modalities, "modalities")]
        if "AUDIO" in found:  # a model that speaks gives no text beside it
            found = ["AUDIO"]
        config["responseModalities"] = found
    audio = _given(request, "audio", writing)
    if audio is not None:
        audio = expect_object(audio, "audio")
        voice = audio.get("voice")
        if isinstance(voice, str):
            config["speechConfig"] = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}
        if audio.get("format") not in (None, "pcm16"):
            writing.drops.degraded("audio.format")
    return config


def _thinking(request: ChatRequest, writing: Writing) -> JsonObject:
    """`thinkingConfig`. `thinking` wins over `reasoning_effort`; adaptive thinking takes its strength from it."""
    effort = _given(request, "reasoning_effort", writing)
    thinking = _given(request, "thinking", writing)
    effort = expect_str(effort, "reasoning_effort") if effort not in (None, "default") else None
    thinking = expect_object(thinking, "thinking") if thinking is not None else None
    if thinking is None and effort is None:
        return {}
    name = "reasoning_effort" if thinking is None else "thinking"
    kind = (thinking or {}).get("type")
    if kind == "disabled" or (thinking is None and effort == "none"):
        return _no_thinking(name, writing)
    if writing.target.facts.reasoning == "none":
        strength = effort is not None or (thinking or {}).get("budget_tokens") is not None
        report_without_control(name, writing.target.facts, writing.drops, off=False, strength=strength)
        return {}
    budget = (thinking or {}).get("budget_tokens") if kind == "enabled" else None
    config = _strength(effort if kind != "enabled" else None, budget, writing)
    if not config and kind == "adaptive" and writing.target.facts.reasoning == "budget":
        config["thinkingBudget"] = -1
    display = (thinking or {}).get("display")
    if display != "omitted":
        config["includeThoughts"] = True
    return config


def _no_thinking(name: str, writing: Writing) -> JsonObject:
    facts = writing.target.facts
    if facts.reasoning == "none":
        report_without_control(name, facts, writing.drops, off=True, strength=False)
        return {}
    if facts.reasoning == "level":
        writing.drops.degraded(name)  # Gemini 3 cannot be told not to think
        weakest = next((level for level in _LEVELS if level in facts.effort_levels), "low")
        return {"thinkingLevel": weakest}
    if facts.can_disable_reasoning is False:
        writing.drops.degraded(name)
        return {"thinkingBudget": budget_for_effort("minimal")}
    return {"thinkingBudget": 0}


def _strength(effort: str | None, budget: Any, writing: Writing) -> JsonObject:
    """A level where the model takes levels, else a budget, which models that take levels accept too."""
    facts = writing.target.facts
    if budget is not None:
        budget = expect(budget, int, "thinking.budget_tokens")
    if facts.reasoning == "level":
        effort = effort or (effort_for_budget(budget) if budget is not None and budget > 0 else None)
        if not effort:
            return {}
        level = _level(effort, facts.effort_levels)
        if level != effort and budget is None:
            writing.drops.degraded("reasoning_effort")
        return {"thinkingLevel": level}
    if effort is not None:
        try:
            budget = budget_for_effort(effort)
        except KeyError:
            raise bad("reasoning_effort", f"unknown effort {effort!r}") from None
    if budget is None:
        return {}
    if facts.max_budget_tokens is not None and budget > facts.max_budget_tokens:
        writing.drops.degraded("thinking.budget_tokens")
        budget = facts.max_budget_tokens
    return {"thinkingBudget": budget}


def _level(effort: str, known: tuple[str, ...]) -> str:
    return nearest_effort(effort, tuple(level.lower() for level in known) or _LEVELS)


def write_body_params(request: ChatRequest, writing: Writing) -> JsonObject:
    """What stands beside `generationConfig`."""
    body: JsonObject = {}
    safety = _given(request, "safety_settings", writing)
    if safety is not None:
        body["safetySettings"] = expect_list(safety, "safety_settings")
    cached = _given(request, "cached_content", writing)
    if cached is not None:
        body["cachedContent"] = expect_str(cached, "cached_content")
    tier = _given(request, "service_tier", writing)
    if tier is not None:
        tier = _TIERS.get(expect_str(tier, "service_tier"), tier)
        if tier is not None:
            body["serviceTier"] = tier
    metadata = _given(request, "metadata", writing)
    if metadata:
        if accent_of(writing).labels and all(isinstance(value, str) for value in metadata.values()):
            body["labels"] = metadata
        else:
            writing.drops.degraded("metadata")
    return body


def report_unsupported(request: Mapping[str, Any], body: JsonObject, writing: Writing) -> None:
    """Parameters that Google has no place for: harmless ones are left out and told, others refused."""
    for name, value in request.items():
        if value is None or name in _WRITTEN:
            continue
        if writing.drops.allowed(name):
            body[name] = value
        elif name in _HARMLESS:
            if value not in (False, ""):
                writing.drops.degraded(name)
        else:
            writing.drops.unsupported(name)
    if request.get("parallel_tool_calls") is False and (request.get("tools") or request.get("functions")):
        writing.drops.degraded("parallel_tool_calls")
