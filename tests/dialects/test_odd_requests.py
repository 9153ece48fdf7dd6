"""A request with an odd value anywhere is read and written for every provider, or refused by the name of the field."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.dialects.call_ids import fit_call_id
from dragoman.dialects.codec import RequestHints, Target
from dragoman.dialects.framing.surrogates import dumps
from dragoman.errors import APIError
from tests.dialects.full_requests import REQUESTS
from tests.dialects.test_bridges import ENDPOINTS, SIDES
from tests.mutations import mutations
from tests.recordings import Recording, recordings

SAMPLE = 400
"""Mutations of a full request in a run."""


def _unless_refused(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except APIError as error:
        assert 400 <= error.status_code < 500
        assert error.message
        return None


def _pass(side: str, body: Any) -> None:
    request = _unless_refused(lambda: SIDES[side].codec.read_request(body, RequestHints(model="m")))
    if request is None:
        return
    for name, other in SIDES.items():
        for drops in (True, False):
            target = Target(provider=name, model="m", vendor=other.vendor, stream=False, drop_params=drops)
            wire = _unless_refused(lambda: other.codec.write_request(copy.deepcopy(request), target))  # noqa: B023
            if wire is not None:
                dumps(wire.body)


@pytest.mark.parametrize("side", SIDES)
def test_no_odd_value_of_a_request_raises(side: str) -> None:
    for body in mutations(REQUESTS[side], SAMPLE):
        _pass(side, body)


@pytest.mark.parametrize("part", [{}, {"inlineData": None}, {"fileData": None}, {"thought": True}])
def test_a_medium_without_data_is_named(part: Any) -> None:
    response = {"name": "f", "response": {}, "parts": [part]}
    body: Any = {"contents": [{"role": "user", "parts": [{"functionResponse": response}]}]}
    with pytest.raises(APIError) as caught:
        SIDES["gemini"].codec.read_request(body, RequestHints(model="m"))
    assert caught.value.status_code == 400
    assert caught.value.param == "contents[0].parts[0].functionResponse.parts[0]"


@pytest.mark.parametrize("reference", [[], {}, 5, None])
def test_a_reference_that_is_no_text_is_no_crash(reference: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": reference}}}
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}
    _pass("openai", {"messages": [{"role": "user", "content": "hi"}], "tools": [tool]})


def test_parameters_that_are_null_are_left_out() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": None}}
    request: Any = {"messages": [{"role": "user", "content": "hi"}], "tools": [tool]}
    target = Target(provider="openai", model="m", vendor="openai", stream=False)
    wire = SIDES["openai"].codec.write_request(request, target)
    assert wire.body["tools"] == [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize("kind", ["data:" + ";a" * 10_000 + ",AAAA", "data:" + "a" * 10_000 + ",AAAA"])
def test_a_data_url_with_an_endless_type_is_refused(kind: str) -> None:
    part = {"type": "image_url", "image_url": {"url": kind}}
    request: Any = {"messages": [{"role": "user", "content": [part]}], "max_tokens": 5}
    target = Target(provider="anthropic", model="m", vendor="anthropic", stream=False)
    with pytest.raises(APIError) as caught:
        SIDES["anthropic"].codec.write_request(request, target)
    assert caught.value.status_code == 400


def test_an_endless_call_id_is_cut() -> None:
    assert len(fit_call_id("\u00e9" * 10**6, r"[a-zA-Z0-9_-]{1,64}")) < 64


def _recorded() -> list[Any]:
    """Every eighth recording of each dialect."""
    return [
        pytest.param(side, *case.values, marks=case.marks, id=f"{side}-{case.id}")
        for side in SIDES
        for case in recordings(*ENDPOINTS[side])[::8]
    ]


@pytest.mark.parametrize(("side", "recording"), _recorded())
def test_no_odd_value_of_a_recorded_request_raises(side: str, recording: Recording) -> None:
    if isinstance(recording.request_body, dict):
        for body in mutations(recording.request_body, 15, seed=len(recording.id)):
            _pass(side, body)
