"""Finding providers: by name, alias and bare model name; unknown ones; and those that others add."""

from __future__ import annotations

import sys
import time
import zipfile
from pathlib import Path

import pytest

from dragoman.credentials import ApiKey
from dragoman.errors import BadRequestError, ConfigError
from dragoman.providers import Provider, Providers, provider_from_mapping

OWN = provider_from_mapping(
    {
        "name": "persimmon",
        "base_url": "https://persimmon.test/v1",
        "api_key_env": "PERSIMMON_API_KEY",
        "aliases": ["kaki"],
    }
)


@pytest.mark.parametrize(
    ("model", "custom", "expected"),
    [
        ("groq/llama-3.3-70b", None, ("groq", "llama-3.3-70b")),
        ("openrouter/anthropic/claude-sonnet-4.5", None, ("openrouter", "anthropic/claude-sonnet-4.5")),
        ("huggingface/meta-llama/Llama-3:novita", None, ("huggingface", "meta-llama/Llama-3:novita")),
        ("Groq/Model-With-Capitals", None, ("groq", "Model-With-Capitals")),
        ("together/x", None, ("together_ai", "x")),
        ("gpt-4o", None, ("openai", "gpt-4o")),
        ("claude-sonnet-4-5", None, ("anthropic", "claude-sonnet-4-5")),
        ("gemini-2.5-flash", None, ("gemini", "gemini-2.5-flash")),
        ("anything", "groq", ("groq", "anything")),
        ("groq/anything", "groq", ("groq", "anything")),
        ("together/anything", "together_ai", ("together_ai", "anything")),
        ("openai/gpt-oss-120b", "groq", ("groq", "openai/gpt-oss-120b")),
        ("llama-4", "TOGETHER", ("together_ai", "llama-4")),
    ],
)
def test_a_model_string_names_provider_and_model(model: str, custom: str | None, expected: tuple[str, str]) -> None:
    provider, name = Providers().resolve(model, custom)
    assert (provider.name, name) == expected


@pytest.mark.parametrize(
    ("model", "hints"),
    [
        ("opnai/gpt-4o", ("'opnai'", "'openai'")),
        ("grok2/x", ("'grok'", "'groq'")),
        ("antropic/claude", ("'anthropic'",)),
        ("togetherai_/x", ("'togetherai'",)),
        ("meta-llama/Llama-3-70b", ("'meta_llama'",)),
        ("my-model", ("'provider/model'", "custom_llm_provider")),
        ("groq", ("'groq/<model>'",)),
        ("groq/", ("no model is named",)),
        ("/gpt-4o", ("unknown provider",)),
        ("", ("non-empty",)),
        ("   ", ("non-empty",)),
    ],
)
def test_an_unknown_name_is_refused_with_near_ones(model: str, hints: tuple[str, ...]) -> None:
    with pytest.raises(BadRequestError) as caught:
        Providers().resolve(model)
    assert caught.value.param == "model"
    for hint in hints:
        assert hint in caught.value.message


def test_a_huge_unknown_name_costs_little_and_is_not_repeated_whole() -> None:
    known, started = Providers(), time.monotonic()
    for _ in range(20):
        with pytest.raises(BadRequestError) as caught:
            known.resolve("x" * 1_000_000 + "/y")
        assert len(caught.value.message) < 500
        with pytest.raises(BadRequestError) as caught:
            known.resolve("x" * 1_000_000)
        assert len(caught.value.message) < 500
    assert time.monotonic() - started < 10


def test_a_provider_is_added_in_code() -> None:
    known = Providers([OWN])
    assert known.resolve("persimmon/sweet") == (OWN, "sweet")
    assert known.find("kaki") is OWN
    assert "persimmon" in known.names()
    with pytest.raises(BadRequestError):
        Providers().find("persimmon")


def test_an_added_provider_wins_over_a_built_in_one() -> None:
    mine = Provider(
        name="groq", base_url="http://localhost:9/v1", endpoints=OWN.endpoints, credential=ApiKey(optional=True)
    )
    known = Providers()
    built_in = known.find("groq")
    known.add(mine)
    assert known.find("GROQ") is mine
    assert Providers().find("groq") is built_in


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, empty."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, entry_points: str, code: str) -> None:
    """Build a wheel and install it as an installer does: unpacked into the folder."""
    wheel = site / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/entry_points.txt", f"[dragoman.providers]\n{entry_points}\n")
        archive.writestr(f"{info}/RECORD", "")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


RECORD = """
from dragoman.providers import provider_from_mapping
LOADED = True
PROVIDER = provider_from_mapping({"name": "quince", "base_url": "https://quince.test/v1", "aliases": ["cydonia"]})
def several():
    yield {"name": "medlar", "base_url": "https://medlar.test/v1"}
    yield {"name": "sorb", "base_url": "https://sorb.test/v1"}
ROW = {"base_url": "https://rowan.test/v1"}
"""


def test_an_installed_distribution_adds_providers(site: Path) -> None:
    points = "quince = orchard_one:PROVIDER\nfruits = orchard_one:several\nrowan = orchard_one:ROW"
    install(site, "orchard_one", points, RECORD)
    known = Providers()
    known.find("groq")
    assert "orchard_one" not in sys.modules, "built-in providers need no entry point"
    assert known.resolve("quince/ripe")[0].base_url == "https://quince.test/v1"
    assert known.find("cydonia") is known.find("quince")
    assert known.find("sorb").base_url == "https://sorb.test/v1"
    assert known.find("rowan").name == "rowan"
    assert {"quince", "rowan", "medlar"} <= set(known.names())
    with pytest.raises(BadRequestError) as caught:
        known.find("quinse")
    assert "'quince'" in caught.value.message


def test_an_alias_of_an_installed_provider_is_found_first(site: Path) -> None:
    install(site, "orchard_two", "quince = orchard_two:PROVIDER", RECORD)
    assert Providers().find("cydonia").name == "quince"


def test_a_broken_distribution_is_told_where_it_is_asked_for_and_is_in_nobody_elses_way(site: Path) -> None:
    install(site, "orchard_broken", "blight = orchard_broken:PROVIDER", "raise RuntimeError('worm inside')")
    install(site, "orchard_three", "quince = orchard_three:PROVIDER\nwrong = orchard_three:LOADED", RECORD)
    known = Providers()
    assert known.find("cydonia").name == "quince"
    with pytest.raises(ConfigError) as caught:
        known.find("blight")
    assert "worm inside" in caught.value.message
    with pytest.raises(ConfigError) as caught:
        known.find("wrong")
    assert "not a dragoman.providers.Provider" in caught.value.message


def test_an_installed_provider_does_not_replace_a_built_in_one(site: Path) -> None:
    code = 'ROW = {"base_url": "https://elsewhere.test/v1"}'
    install(site, "orchard_four", "openai = orchard_four:ROW", code)
    assert Providers().find("openai").base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize("model", ["bedrock/anthropic.claude-v2", "azure/gpt-4o", "vertex_ai/gemini-2.5-pro"])
def test_a_provider_that_is_to_come_is_no_slip_of_the_pen(model: str) -> None:
    with pytest.raises(BadRequestError, match=r"is not supported yet$"):
        Providers().resolve(model)
