"""What is known of models: looked up, laid over, listed; and tokens counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import dragoman as litellm
from dragoman.models import abilities
from dragoman.sdk import facts
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.types.model_entry import ABILITIES, Rate

ASKED = [getattr(litellm, name) for name in facts.__all__ if name.startswith("supports_")]
OURS = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


@pytest.fixture(autouse=True)
def _nothing_registered_stays() -> Iterator[None]:
    before = {
        entry.name: entry for provider in ("openai", "hosted_vllm", "mine") for entry in CATALOGUE.entries(provider)
    }
    yield
    for provider in ("openai", "hosted_vllm", "mine", "bedrock"):
        for entry in list(CATALOGUE.entries(provider)):
            CATALOGUE.remove(provider, entry.model)
    assert {entry.name for p in ("openai", "hosted_vllm", "mine") for entry in CATALOGUE.entries(p)} == before.keys()


# ── Facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("model", "provider", "key"),
    [
        ("gpt-4o", None, "gpt-4o"),
        ("openai/gpt-4o", None, "gpt-4o"),
        ("gpt-4o", "openai", "gpt-4o"),
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("gpt-4o-2024-08-06", None, "gpt-4o-2024-08-06"),
        ("claude-sonnet-4-5", None, "claude-sonnet-4-5"),
        ("groq/llama-3.1-8b-instant", None, "groq/llama-3.1-8b-instant"),
        ("llama-3.1-8b-instant", "groq", "groq/llama-3.1-8b-instant"),
        (
            "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock", "bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
def test_a_model_is_found_by_what_litellms_users_write(model: str, provider: str | None, key: str) -> None:
    info = litellm.get_model_info(model, custom_llm_provider=provider)
    entry = litellm.model_entry(model, provider)
    assert entry is not None
    assert info["dragoman"]["name"] == entry.name
    assert info["litellm_provider"] == entry.provider
    if not entry.matched_by:
        assert info["key"] == key
    assert info["input_cost_per_token"] > 0
    assert info["max_input_tokens"] > 1000
    assert info["dragoman"]["price_source"]


def test_the_info_of_a_model() -> None:
    info = litellm.get_model_info("gpt-4o")
    assert (info["mode"], info["max_tokens"], info["max_input_tokens"]) == ("chat", 16_384, 128_000)
    assert (info["input_cost_per_token"], info["cache_read_input_token_cost"]) == (2.5e-06, 1.25e-06)
    assert info["input_cost_per_token_batches"] == 1.25e-06
    assert info["supports_vision"] is True
    assert info["output_cost_per_image"] is None
    assert "temperature" in info["supported_openai_params"]
    assert litellm.get_model_info("bedrock/amazon.nova-lite-v1:0")["key"] == "bedrock/amazon.nova-lite-v1:0"


def test_the_most_tokens() -> None:
    assert litellm.get_max_tokens("gpt-3.5-turbo") == 4096
    assert (
        litellm.get_max_tokens("text-embedding-3-small")
        == litellm.get_model_info("text-embedding-3-small")["max_tokens"]
    )
    litellm.register_model({"vllm/ours": OURS})
    with pytest.raises(litellm.NotFoundError, match="the token limits of 'vllm/ours' are not known"):
        litellm.get_max_tokens("vllm/ours")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("openai/gpt-4oo", r"'openai/gpt-4oo' \(did you mean 'gpt-4o'\?\)"),
        ("nobody/knows", "'nobody/knows'"),
        ("knows-nobody", "'knows-nobody'"),
        ("", "''"),
    ],
)
def test_an_unknown_model_is_an_error_that_names_it(model: str, said: str) -> None:
    assert litellm.model_entry(model) is None
    with pytest.raises(litellm.NotFoundError, match=f"nothing is known of the model {said}") as caught:
        litellm.get_model_info(model)
    assert caught.value.param == "model"


def test_abilities_are_true_only_where_they_are_known() -> None:
    assert {asked.__name__ for asked in ASKED} == {f"supports_{ability}" for ability in ABILITIES} - {
        "supports_temperature"
    }
    assert litellm.supports_vision(model="gpt-4o")
    assert litellm.supports_vision("gpt-4o", custom_llm_provider="openai")
    assert not litellm.supports_vision(model="gpt-3.5-turbo")
    assert litellm.get_model_info("gpt-3.5-turbo")["supports_vision"] is False
    litellm.register_model({"vllm/ours": {"supports_vision": True}})
    assert litellm.supports_vision("vllm/ours")
    assert not litellm.supports_reasoning("vllm/ours")
    assert litellm.get_model_info("vllm/ours")["supports_reasoning"] is None
    assert not any(asked("nobody/knows") for asked in ASKED)


def test_abilities_are_those_that_calls_are_checked_by() -> None:
    for model in ("gpt-4o", "o3", "claude-sonnet-4-5", "gemini-2.5-flash"):
        entry = litellm.model_entry(model)
        assert entry is not None
        known = abilities(entry.provider, entry.model, entry).can
        for asked in ASKED:
            assert asked(model) is (known.get(asked.__name__.removeprefix("supports_")) is True)


def test_models_that_can_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert not [name for name in litellm.get_valid_models() if name.startswith("groq/")]
    monkeypatch.setenv("GROQ_API_KEY", "gsk-" + "x" * 10)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "x" * 10)
    valid = litellm.get_valid_models()
    assert {"gpt-4o", "groq/llama-3.1-8b-instant"} <= set(valid)
    assert "claude-sonnet-4-5" not in valid
    assert {name.partition("/")[0] for name in litellm.get_valid_models(custom_llm_provider="groq")} == {"groq"}
    with pytest.raises(ValueError, match="check_provider_endpoint"):
        litellm.get_valid_models(check_provider_endpoint=True)


# ── Models of one's own ──────────────────────────────────────────────────────────────────────────────────────────────
def test_all_models_as_a_mapping() -> None:
    costs = litellm.model_cost
    assert isinstance(costs, Mapping)
    assert len(costs) == len(set(costs)) >= 4000
    for key in ("gpt-4o", "openai/gpt-4o", "groq/llama-3.1-8b-instant"):
        assert costs[key]["input_cost_per_token"] > 0
        assert key in costs
    assert None not in costs["gpt-4o"].values()
    assert "nobody/knows" not in costs
    with pytest.raises(KeyError):
        costs["nobody/knows"]
    assert litellm.get_model_cost_map() is costs
    for key in list(costs)[::50]:
        assert costs[key]["key"] == key
    litellm.register_model({"mine/one": OURS})
    assert "mine/one" in set(costs)
    with pytest.raises(TypeError):
        costs["gpt-4o"] = {}  # type: ignore[index]


def test_a_row_laid_over_the_catalogue() -> None:
    before = litellm.model_entry("gpt-4o")
    litellm.register_model({"openai/gpt-4o": {"input_cost_per_token": 2e-6}})
    after = litellm.model_entry("gpt-4o")
    assert before is not None
    assert after is not None
    assert after.prices[0].rates["input"] == Rate(2_000_000_000)
    assert after.prices[0].rates["output"] == before.prices[0].rates["output"]
    assert (after.aliases, after.context_window) == (before.aliases, before.context_window)
    assert str(after.price_provenance) == f"register_model over {before.price_provenance}"
    litellm.register_model({"gpt-4o": {"supports_vision": False}})
    assert not litellm.supports_vision("gpt-4o")
    assert litellm.get_model_info("gpt-4o")["input_cost_per_token"] == 2e-6


@pytest.mark.parametrize(
    ("name", "told", "row"),
    [
        ("vllm/ours", None, "hosted_vllm/ours"),
        ("ours", "vllm", "hosted_vllm/ours"),
        ("vllm/ours", "hosted_vllm", "hosted_vllm/ours"),
        ("mine/one/two", None, "mine/one/two"),
        ("one/two", "mine", "mine/one/two"),
        ("gpt-4o-2099-01-01", None, "openai/gpt-4o-2099-01-01"),
        ("gpt-9", "text-completion-openai", "openai/gpt-9"),
        ("vertex_ai/gemini-9", "vertex_ai-language-models", "vertex_ai/gemini-9"),
        ("anthropic.claude-9", "bedrock_converse", "bedrock/anthropic.claude-9"),
    ],
)
def test_the_names_of_rows(name: str, told: str | None, row: str) -> None:
    litellm.register_model({name: {**OURS, "litellm_provider": told}})
    entry = litellm.model_entry(row)
    assert entry is not None
    assert entry.name == row
    CATALOGUE.remove(entry.provider, entry.model)


def test_a_base_model_gives_what_a_row_does_not_say() -> None:
    litellm.register_model({"mine/one": {"base_model": "gpt-4o", "max_output_tokens": 100}})
    info = litellm.get_model_info("mine/one")
    assert (info["max_tokens"], info["input_cost_per_token"]) == (100, 2.5e-06)
    assert info["litellm_provider"] == "mine"


def test_a_file_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"sample_spec": {"mode": "one of: chat"}, "mine/one": OURS, "vllm/ours": OURS}))
    assert litellm.register_model(str(path))["mine/one"]["output_cost_per_token"] == 2e-6
    for text, said in (("[]", "expected an object of models, got list"), ("{", "prices.json: Expecting property name")):
        path.write_text(text)
        with pytest.raises(litellm.BadRequestError, match=said):
            litellm.register_model(str(path))
    with pytest.raises(litellm.BadRequestError, match="No such file"):
        litellm.register_model(str(tmp_path / "nothing.json"))


def test_nothing_is_fetched() -> None:
    for ask in (litellm.register_model, litellm.get_model_cost_map):
        with pytest.raises(litellm.BadRequestError, match=r"https://example.com/prices.json is not fetched"):
            ask("https://example.com/prices.json")


def test_wrong_rows_are_refused_whole() -> None:
    wrong: Any = {
        "mine/one": OURS,
        "vllm/ours": {"input_cost_per_token": -1, "output_cost_per_tokn": 1},
        "who-is-it": OURS,
        "mine/two": 7,
        "mine/three": {"base_model": "nobody/knows"},
        7: OURS,
    }
    version = CATALOGUE.version
    with pytest.raises(litellm.BadRequestError) as caught:
        litellm.register_model(wrong)
    assert caught.value.message.split("\n") == [
        "vllm/ours.output_cost_per_tokn: unknown price (did you mean 'output_cost_per_token'?)",
        "vllm/ours.input_cost_per_token: a price cannot be negative, got -1",
        "who-is-it: whose model it is is not known: write it as 'provider/model', or say `litellm_provider`",
        "mine/two: expected an object of prices and facts, got int",
        "mine/three.base_model: nothing is known of 'nobody/knows'",
        "7: expected a name with an object of prices and facts, got int",
    ]
    assert caught.value.param == "vllm/ours.output_cost_per_tokn"
    assert (CATALOGUE.version, litellm.model_entry("mine/one")) == (version, None)


def test_rows_are_registered_while_others_look_them_up() -> None:
    """A reader sees the old row or the new one, never a half, and never nothing."""
    litellm.register_model({"mine/one": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}})
    ready, done, seen, faults = threading.Barrier(5), threading.Event(), set(), []

    def look() -> None:
        ready.wait()
        while not done.is_set():
            try:
                seen.add(litellm.cost_per_token("mine/one", 1, 1))
                litellm.supports_vision("gpt-4o")
            except Exception as error:
                faults.append(error)
                return

    readers = [threading.Thread(target=look) for _ in range(4)]
    for reader in readers:
        reader.start()
    ready.wait()
    for number in range(2, 150):
        litellm.register_model(
            {
                "mine/one": {"input_cost_per_token": number * 1e-6, "output_cost_per_token": number * 1e-6},
                f"mine/{number}": OURS,
            }
        )
    done.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert all(into == out for into, out in seen)
    assert sum(1 for _ in CATALOGUE.entries("mine")) == 149


# ── Tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────
SAMPLE = "Hellö World, this is my input string!"
TOKENIZER = json.dumps(
    {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {"Hey": 0, "you": 1, "?": 2, "[UNK]": 3}, "unk_token": "[UNK]"},
    }
)


def test_encode_and_decode() -> None:
    tokens = litellm.encode(model="gpt-3.5-turbo", text=SAMPLE)
    assert litellm.decode(model="gpt-3.5-turbo", tokens=tokens) == SAMPLE
    assert len(tokens) == litellm.token_counter(model="gpt-3.5-turbo", text=SAMPLE)
    with pytest.raises(litellm.BadRequestError, match="no exact vocabulary for claude-sonnet-4-5"):
        litellm.encode("claude-sonnet-4-5", SAMPLE)


def test_messages_as_the_documentation_shows_them() -> None:
    messages = [{"user": "role", "content": "Hey, how's it going"}]
    assert litellm.token_counter(model="gpt-3.5-turbo", messages=messages) > 5


def test_a_tokenizer_of_ones_own() -> None:
    made = litellm.create_tokenizer(TOKENIZER)
    assert litellm.encode(text="Hey you ?", custom_tokenizer=made) == [0, 1, 2]
    assert litellm.decode(tokens=[0, 1], custom_tokenizer=made) == "Hey you"
    assert litellm.token_counter("gpt-4o", made, "Hey you ? Hey") == 4
    assert litellm.token_counter("gpt-4o", custom_tokenizer=made["tokenizer"], text=["Hey you", "?"]) == 3
    with pytest.raises(litellm.BadRequestError, match=r"^json: "):
        litellm.create_tokenizer("{}")
    with pytest.raises(litellm.BadRequestError, match=r"custom_tokenizer: expected an object with `encode\(text\)`"):
        litellm.token_counter("gpt-4o", custom_tokenizer={"tokenizer": 7}, text="Hey")


def test_further_arguments_of_the_counter() -> None:
    image: Any = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}
    ]
    usual = litellm.token_counter("gpt-4o", messages=image)
    assert litellm.token_counter("gpt-4o", messages=image, use_default_image_token_count=True) < usual
    wrong: Any = 7
    assert litellm.token_counter("gpt-4o", text=wrong, default_token_count=99) == 99
