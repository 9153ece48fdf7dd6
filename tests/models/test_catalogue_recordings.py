"""What a model did in the recordings is not listed as what it cannot do."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.models import Catalogue
from tests.recordings import Recording, recordings

CATALOGUE = Catalogue()
SHOWN = (
    rb'"(?:reasoning_content|reasoning|thinking)":\s*"[^"]|"(?:reasoning_tokens|thoughtsTokenCount)":\s*[1-9]'
    rb'|"reasoningContent":|"thought":\s*true'
)


def _feature(name: str) -> Callable[[Recording], bool]:
    return lambda recording: name in recording.features


DID: dict[str, Callable[[Recording], bool]] = {
    "function_calling": _feature("tool-call"),
    "parallel_function_calling": _feature("parallel-tools"),
    "vision": _feature("image"),
    "audio_input": _feature("audio-in"),
    "audio_output": _feature("audio-out"),
    "video_input": _feature("video-in"),
    "pdf_input": _feature("document"),
    "response_schema": _feature("json-schema"),
    "web_search": _feature("web-search"),
    "prompt_caching": _feature("cache-hit"),
    "system_messages": _feature("system"),
    # Every answer of OpenAI's Responses API has a field `reasoning`: what counts is that something was thought.
    "reasoning": lambda recording: bool(re.search(SHOWN, recording.response_bytes)),
    "temperature": lambda recording: _temperature(recording.request_body) not in (None, 1),
}


def _temperature(body: Any) -> Any:
    if not isinstance(body, dict):
        return None
    settings = [body, body.get("generationConfig"), body.get("inferenceConfig"), body.get("options")]
    return next((part["temperature"] for part in settings if isinstance(part, dict) and "temperature" in part), None)


def model_of(recording: Recording) -> str:
    in_path = re.search(r"/model/([^/]+)/", recording.url)
    if in_path:
        return urllib.parse.unquote(in_path[1])
    body = recording.request_body
    return str(body["model"]) if isinstance(body, dict) and isinstance(body.get("model"), str) else recording.model


ALL = recordings(("*", "*"), where=lambda recording: bool(recording.model))
EVERY = recordings(
    *sorted({("*", param.values[0].endpoint) for param in ALL if param.values[0] is not None}) or [("*", "chat")],
    where=lambda recording: bool(recording.model),
)


@pytest.mark.parametrize("recording", EVERY)
def test_nothing_that_a_model_did_is_denied(recording: Recording) -> None:
    entry = CATALOGUE.find(recording.provider, model_of(recording))
    if entry is not None:
        denied = {ability for ability, can in entry.abilities.items() if not can}
        assert {ability for ability in denied if ability in DID and DID[ability](recording)} == set(), entry.name


def test_most_recorded_models_are_known() -> None:
    found = [param.values[0] for param in EVERY if param.values[0] is not None]
    if not found:
        pytest.skip("the recordings are not there")
    known = [recording for recording in found if CATALOGUE.find(recording.provider, model_of(recording)) is not None]
    assert len(known) > 0.6 * len(found)
