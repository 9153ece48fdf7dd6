"""Facts about models, held against what the models did in the recordings."""

from __future__ import annotations

import dataclasses
import importlib.resources
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.dialects.reasoning import EFFORTS
from dragoman.models import Catalogue, facts, provider_of
from dragoman.types.model_entry import ABILITIES
from dragoman.types.model_facts import UNKNOWN_MODEL, ModelFacts
from tests.recordings import Recording, pairs, recordings

ENDPOINTS = ("chat", "messages", "generateContent", "responses", "rawPredict", "converse")


def chats(wanted: Callable[[Recording], Any]) -> list[Any]:
    """The recorded chats that tell something of this kind."""
    params = recordings(*(("*", endpoint) for endpoint in ENDPOINTS), ok=None)
    return [param for param in params if param.values[0] is None or wanted(param.values[0])]


PROVIDERS = {"openai-responses": "openai", "vercel-gateway": "vercel_ai_gateway", "together": "together_ai"}


def model_of(recording: Recording) -> str:
    body = recording.request_body
    if isinstance(body, dict) and isinstance(body.get("model"), str):
        return str(body["model"])
    return recording.model


def known(recording: Recording) -> Any:
    return facts(PROVIDERS.get(recording.provider, recording.provider), model_of(recording))


def asked(body: Any, *path: str) -> Any:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _effort(body: Any) -> Any:
    return (
        asked(body, "reasoning_effort") or asked(body, "reasoning", "effort") or asked(body, "output_config", "effort")
    )


def _schema(body: Any) -> bool:
    return "json_schema" in (asked(body, "response_format", "type"), asked(body, "output_format", "type"))


def _level(body: Any) -> str:
    return str(asked(body, "generationConfig", "thinkingConfig", "thinkingLevel")).lower()


def _google_budget(body: Any) -> Any:
    return asked(body, "generationConfig", "thinkingConfig", "thinkingBudget")


def _limit(body: Any) -> int:
    return body.get("max_tokens") or body.get("max_completion_tokens") or 0


def _temperature(body: Any) -> Any:
    return body.get("temperature", asked(body, "generationConfig", "temperature"))


CONTRADICTIONS: dict[str, Callable[[Any, ModelFacts], bool]] = {
    "an effort was accepted": lambda body, fact: (
        _effort(body) not in (None, "none", "default")
        and (fact.reasoning == "none" or bool(fact.effort_levels and _effort(body) not in fact.effort_levels))
    ),
    "reasoning was turned off": lambda body, fact: (
        (_effort(body) == "none" or asked(body, "thinking", "type") == "disabled" or _google_budget(body) == 0)
        and fact.can_disable_reasoning is False
    ),
    "a budget was accepted": lambda body, fact: (
        bool(asked(body, "thinking", "budget_tokens")) and fact.reasoning not in (None, "budget")
    ),
    "Gemini took a budget": lambda body, fact: (
        _google_budget(body) is not None
        and (fact.reasoning != "budget" or _google_budget(body) > (fact.max_budget_tokens or 0))
    ),
    "Gemini took a level": lambda body, fact: (
        _level(body) != "none" and (fact.reasoning != "level" or _level(body) not in fact.effort_levels)
    ),
    "adaptive thinking was accepted": lambda body, fact: (
        asked(body, "thinking", "type") == "adaptive" and fact.reasoning not in (None, "adaptive")
    ),
    "a temperature was accepted": lambda body, fact: _temperature(body) not in (None, 1) and fact.sampling is False,
    "a longer output was accepted": lambda body, fact: _limit(body) > (fact.max_output_tokens or _limit(body)),
    "a schema was accepted": lambda body, fact: _schema(body) and fact.json_schema is False,
    "tools were accepted": lambda body, fact: bool(body.get("tools")) and fact.tools is False,
}


@pytest.mark.parametrize("recording", chats(lambda r: r.status < 400 and isinstance(r.request_body, dict)))
def test_what_a_model_accepted_is_not_listed_as_refused(recording: Recording) -> None:
    body, fact = recording.request_body, known(recording)
    assert [what for what, contradicts in CONTRADICTIONS.items() if contradicts(body, fact)] == []


def reasoned(recording: Recording) -> bool:
    if "reasoning" not in recording.features or recording.status >= 400 or not recording.model:
        return False
    text = recording.response_bytes
    shown = re.search(rb'"(?:reasoning_content|reasoning|thinking)":\s*"[^"]', text)
    counted = re.search(rb'"(?:reasoning_tokens|thoughtsTokenCount)":\s*[1-9]', text)
    return bool(shown or counted)


@pytest.mark.parametrize("recording", chats(reasoned))
def test_a_model_that_reasoned_is_not_listed_as_one_that_never_does(recording: Recording) -> None:
    fact = known(recording)
    assert fact.reasoning != "none" or fact.can_disable_reasoning is False


REFUSALS: dict[str, Callable[[ModelFacts], bool]] = {
    r"does not support parameter reasoningEffort": lambda fact: fact.reasoning == "none",
    r"'(temperature|top_p)' (is not supported|does not support)": lambda fact: fact.sampling is False,
}


def refused(recording: Recording) -> bool:
    return recording.status == 400 and any(re.search(text, recording.response_bytes.decode()) for text in REFUSALS)


@pytest.mark.parametrize("recording", chats(refused))
def test_what_a_model_refused_is_listed(recording: Recording) -> None:
    text = recording.response_bytes.decode()
    assert all(listed(known(recording)) for pattern, listed in REFUSALS.items() if re.search(pattern, text))


@pytest.mark.parametrize("pair", pairs())
def test_pairs_were_accepted_or_refused_as_listed(pair: Any) -> None:
    for name, exchange in pair["dialects"].items():
        request = exchange.get("request") or {}
        model = request.get("model") or request.get("modelId")
        if not model:
            continue
        fact = facts("anthropic" if "anthropic" in name else "openai", model)
        refusal = str((exchange.get("error") or {}).get("error", ""))
        if re.search(r"'(temperature|top_p)' is not supported", refusal):
            assert fact.sampling is False
        effort = asked(request, "output_config", "effort") or asked(request, "reasoning", "effort")
        effort = effort or request.get("reasoning_effort")
        if effort and not refusal:
            assert effort in fact.effort_levels, (name, model)
        if asked(request, "thinking", "type") == "adaptive" and not refusal:
            assert fact.reasoning == "adaptive"
        if request.get("max_tokens") and not refusal and fact.max_output_tokens:
            assert request["max_tokens"] <= fact.max_output_tokens


FORMS = [
    "claude-sonnet-4-5",
    "claude-sonnet-4-5-20250929",
    "anthropic/claude-sonnet-4.5",
    "anthropic/claude-4.5-sonnet",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1",
    "claude-sonnet-4-5@20250929",
    "claude-sonnet-4-5@default",
    "claude-sonnet-4-5-latest",
    "databricks-claude-sonnet-4-5",
    "CLAUDE-SONNET-4-5",
]


@pytest.mark.parametrize("name", FORMS)
def test_a_model_is_known_in_every_form_of_its_name(name: str) -> None:
    assert facts("x", name) == facts("anthropic", "claude-sonnet-4-5")
    assert facts("x", name) != UNKNOWN_MODEL


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("openai/gpt-5-nano-2025-08-07", "gpt-5-nano"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "gpt-4o-mini"),
        ("gpt-4-0613", "gpt-4"),
        ("openai.gpt-oss-120b-1:0", "gpt-oss:120b"),
        ("accounts/fireworks/models/gpt-oss-120b", "openai/gpt-oss-20b:free"),
        ("models/gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("publishers/google/models/gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek-r1"),
        ("gpt-5-chat-latest", "gpt-5-chat"),
    ],
)
def test_names_of_the_same_family(name: str, other: str) -> None:
    assert facts("x", name) == facts("x", other) != UNKNOWN_MODEL


@pytest.mark.parametrize(
    "name",
    ["", "unheard-of", "my-gpt-4o", "gpt-4o-clone", "claude-sonnet-4-55", "x" * 100_000, "gpt-5\n", "not/a/model"],
)
def test_an_unknown_name_has_no_facts_and_so_no_restrictions(name: str) -> None:
    if name == "gpt-5\n":
        assert facts("openai", name) == facts("openai", "gpt-5")
    else:
        assert facts("openai", name) is UNKNOWN_MODEL


def test_a_dated_exception_keeps_its_own_facts() -> None:
    assert facts("openai", "gpt-4o-2024-05-13").json_schema is False
    assert facts("openai", "gpt-4o-2024-08-06").json_schema is True


def test_a_gateway_that_fits_requests_itself_is_refused_nothing_for_the_models_sake() -> None:
    direct, through = facts("anthropic", "claude-opus-4-7"), facts("openrouter", "anthropic/claude-opus-4.7")
    assert (direct.sampling, direct.prefill) == (False, False)
    assert (through.sampling, through.prefill) == (None, None)
    assert through.max_output_tokens == direct.max_output_tokens
    assert facts("openrouter", "openai/gpt-4o").reasoning is None


def test_every_family_is_reachable_and_sound() -> None:
    rows = tomllib.loads((importlib.resources.files("dragoman.models") / "families.toml").read_text())["family"]
    fields = {field.name for field in dataclasses.fields(UNKNOWN_MODEL)}
    for row in rows:
        assert set(row) <= fields | {"match"}
        ranks = [("none", *EFFORTS).index(word) for word in row.get("effort_levels", ())]
        assert ranks == sorted(ranks)
        if "none" in row.get("effort_levels", ()):
            assert row["can_disable_reasoning"]
        for efforts in ("sampling_efforts", "tool_efforts"):
            assert set(row.get(efforts, ())) <= {"none", *EFFORTS}
        assert {*row.get("can", ()), *row.get("cannot", ())} <= set(ABILITIES)
        if row.get("reasoning") in ("adaptive", "level"):
            assert row.get("can_disable_reasoning") is not None or len(row) <= 3


def test_trusted_negatives_are_providers_of_the_catalogue() -> None:
    listed = tomllib.loads((importlib.resources.files("dragoman.models") / "families.toml").read_text())[
        "trusted_negatives"
    ]
    assert set(listed) <= set(ABILITIES)
    for provider in {name for names in listed.values() for name in names}:
        assert any(True for _ in Catalogue().entries(provider)), provider


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o", "openai"),
        ("gpt-4.1-mini", "openai"),
        ("gpt-5.6-terra", "openai"),
        ("gpt-3.5-turbo-instruct", "openai"),
        ("o3-mini", "openai"),
        ("o1", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "openai"),
        ("text-embedding-3-small", "openai"),
        ("whisper-1", "openai"),
        ("tts-1-hd", "openai"),
        ("dall-e-3", "openai"),
        ("claude-sonnet-4-5", "anthropic"),
        ("claude-3-haiku-20240307", "anthropic"),
        ("gemini-2.5-flash", "gemini"),
        ("models/gemini-2.5-flash", "gemini"),
        ("gemini-embedding-001", "gemini"),
        ("deepseek-reasoner", "deepseek"),
        ("mistral-large-latest", "mistral"),
        ("codestral-latest", "mistral"),
        ("grok-4", "xai"),
        ("sonar-pro", "perplexity"),
        ("kimi-k2-0905-preview", "moonshot"),
        ("glm-4.6", "zai"),
        ("GPT-4o", "openai"),
        ("gpt-oss-120b", None),
        ("llama-3.3-70b-versatile", None),
        ("openai", None),
        ("gpt", None),
        ("orange", None),
        ("o", None),
        ("", None),
        ("x" * 1_000_000, None),
    ],
)
def test_a_bare_name_finds_its_provider(model: str, provider: str | None) -> None:
    assert provider_of(model) == provider


OWN_NAMES = {
    "openai": "openai",
    "openai-embeddings": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "xai": "xai",
}
HOSTED = {"muse-spark-1.1"}
"""Served at a vendor's address in a recording, and named as nobody's in particular."""


def at_its_vendors(recording: Recording) -> bool:
    model = model_of(recording)
    return recording.provider in OWN_NAMES and bool(model) and "/" not in model and model not in HOSTED


@pytest.mark.parametrize(
    "recording",
    [
        param
        for param in recordings(("*", "chat"), ("*", "messages"), ("*", "generateContent"), ("*", "embeddings"))
        if param.values[0] is None or at_its_vendors(param.values[0])
    ],
)
def test_the_names_in_recordings_find_the_provider_that_served_them(recording: Recording) -> None:
    assert provider_of(model_of(recording)) == OWN_NAMES[recording.provider]


@pytest.mark.parametrize(
    ("names", "fact", "value"),
    [
        ("claude-opus-5-5 claude-sonnet-5-5 claude-fable-5-1 claude-mythos-5-2", "forced_tools", False),
        ("claude-opus-5 claude-sonnet-5 claude-fable-5 claude-opus-4-8", "forced_tools", None),
        ("claude-opus-4-8 claude-opus-5 claude-opus-5-5 claude-fable-5-1", "mid_system", True),
        ("claude-sonnet-5-5 claude-haiku-5-5 claude-mythos-5", "mid_system", True),
        ("claude-opus-4-7 claude-sonnet-4-6 claude-haiku-4-5 claude-3-5-sonnet", "mid_system", False),
        ("claude-sonnet-5", "mid_system", None),
        ("claude-opus-5-5 claude-sonnet-5-5 gpt-6-astra gpt-6.1-sol kimi-k3.1-pro", "can_disable_reasoning", False),
        ("deepseek-flash deepseek-v4-flash deepseek-v4-pro", "json_schema", None),
        ("gpt-6-luna gpt-6-sol gpt-5.4", "sampling", None),
        ("gpt-5.1 gpt-5.2 gpt-5.3-codex gpt-5.4-nano gpt-5.5 gpt-5.6-sol gpt-6-luna", "sampling_efforts", ("none",)),
        ("gpt-5.4 gpt-5.4-mini gpt-5.5 gpt-5.6-terra gpt-6-sol", "tool_efforts", ("none",)),
        ("gpt-5 gpt-5.1 gpt-5.2 gpt-4o", "tool_efforts", None),
        ("gpt-6-astra", "tool_efforts", ()),
        ("gpt-5.1 gpt-5.2 gpt-5.4", "default_effort", "none"),
        ("deepseek-v4-pro", "vision", False),
        ("deepseek-v4-flash deepseek-flash", "vision", None),
    ],
)
def test_what_the_vendors_tell(names: str, fact: str, value: Any) -> None:
    """The pages are named in families.toml."""
    assert {name: getattr(facts("x", name), fact) for name in names.split()} == dict.fromkeys(names.split(), value)
