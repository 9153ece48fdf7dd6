"""One list says what LiteLLM's users write and what is not supported yet; the settings and the SDK hold against it."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from dragoman.errors import BadRequestError
from dragoman.gateway.config.settings_table import SECTIONS
from dragoman.gateway.http.controls import reject_server_fields
from dragoman.litellm.unsupported import absent, hint_of, hint_of_key, unsupported_names
from dragoman.routing.settings.options import OPTIONS

DATA = tomllib.loads(resources.files("dragoman.litellm").joinpath("unsupported.toml").read_text("utf-8"))
PLACES = sorted({place for group in DATA["group"] for place in group if place != "hint"})


def test_each_place_is_read_by_somebody() -> None:
    assert sorted({"call", "litellm_params", "request", "sdk", *SECTIONS} - {"model"}) == PLACES


@pytest.mark.parametrize("place", PLACES)
def test_no_name_stands_twice_in_a_place(place: str) -> None:
    names = [name for group in DATA["group"] for name in group.get(place, "").split()]
    assert len(names) == len(set(names))
    assert all(hint_of(place, name) for name in names)


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_what_is_supported_is_not_listed(section: str) -> None:
    assert unsupported_names(section).isdisjoint(SECTIONS[section].settings)


def test_a_parameter_of_a_call_stands_once() -> None:
    assert unsupported_names("call").isdisjoint(unsupported_names("litellm_params"))
    assert unsupported_names("request") <= unsupported_names("call")
    assert unsupported_names("call").isdisjoint(OPTIONS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("general_settings.database_url", "the gateway has no database yet"),
        ("model_list[3].litellm_params.aws_region_name", "this provider's way to sign"),
        ("model_list[3].params.guardrails", "guardrails"),
        ("mcp_servers", "MCP servers"),
        ("litellm_settings.json_indent", ""),
    ],
)
def test_a_key_has_its_hint(path: str, expected: str) -> None:
    assert hint_of_key(path).startswith(expected)
    assert bool(hint_of_key(path)) == bool(expected)


def test_a_missing_attribute_and_a_refused_field_say_the_hint() -> None:
    assert str(absent("dragoman", "aresponses", ())).endswith(
        "; the Responses API is not supported yet: use completion or acompletion"
    )
    assert str(absent("dragoman", "nonsense", ())) == "module 'dragoman' has no attribute 'nonsense'"
    with pytest.raises(
        BadRequestError, match=r"^guardrails: guardrails, policies and content filters are not supported yet$"
    ):
        reject_server_fields({"guardrails": []})
