"""The rules by which a model is found under another name, and the names that no rule may reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.models import Catalogue
from dragoman.models._names import RULES, names_by_rule

CATALOGUE = Catalogue()

REACHED = [
    # provider, name, the row, the rule
    ("openai", "gpt-4o", "gpt-4o", ""),
    ("openai", "GPT-4o ", "gpt-4o", ""),
    ("openai", "openai/gpt-4o", "gpt-4o", "provider prefix"),
    ("openai", "gpt-4-0613", "gpt-4", "alias"),
    ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13", ""),  # it has a row, and a price, of its own
    ("openai", "gpt-5-2099-08-07", "gpt-5", "date suffix"),
    ("openai", "gpt-5-20990807", "gpt-5", "compact date, date suffix"),
    ("openai", "gpt-4o-20240513", "gpt-4o-2024-05-13", "compact date"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:acme::abc", "ft:gpt-4o-mini", "fine-tuned model, date suffix"),
    ("azure", "gpt-35-turbo-0125", "gpt-3.5-turbo-0125", "Azure's gpt-35"),
    ("anthropic", "claude-sonnet-4-5-20991231", "claude-sonnet-4-5", "compact date, date suffix"),
    ("anthropic", "claude-sonnet-4-5-latest", "claude-sonnet-4-5", "-latest"),
    ("gemini", "models/gemini-2.5-pro", "gemini-2.5-pro", "resource path"),
    ("gemini", "gemini-2.5-pro-preview-05-06", "gemini-2.5-pro", "alias"),
    ("vertex_ai", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro", "resource path"),
    (
        "vertex_ai",
        "projects/p/locations/global/publishers/anthropic/models/claude-opus-4-7",
        "claude-opus-4-7@default",
        "resource path",
    ),
    ("vertex_ai", "claude-opus-4-7", "claude-opus-4-7@default", "alias"),
    ("vertex_ai", "claude-opus-4-8@20991231", "claude-opus-4-8", "Vertex @version"),
    ("vertex_ai", "google/gemini-2.5-pro", "gemini-2.5-pro", "publisher prefix"),
    (
        "bedrock",
        "apac.anthropic.claude-3-haiku-20240307-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Bedrock region prefix",
    ),
    (
        "bedrock",
        "converse/anthropic.claude-3-haiku-20240307-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Bedrock API prefix",
    ),
    (
        "bedrock",
        "anthropic.claude-3-haiku-20240307-v1:0:200k",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Bedrock context suffix",
    ),
    (
        "bedrock",
        "us.meta.llama3-8b-instruct-v1",
        "meta.llama3-8b-instruct-v1:0",
        "Bedrock region prefix, Bedrock version suffix",
    ),
    ("bedrock", "us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", "Bedrock region prefix"),
    ("bedrock", "eu.amazon.nova-2-lite-v1:0", "us.amazon.nova-2-lite-v1:0", "alias"),
    ("fireworks_ai", "deepseek-v4-pro", "accounts/fireworks/models/deepseek-v4-pro", "alias"),
    ("fireworks_ai", "gpt-oss-120b", "accounts/fireworks/models/gpt-oss-120b", "alias"),
    ("ollama-cloud", "gpt-oss:120b", "gpt-oss:120b", ""),
    ("openrouter", "openai/gpt-4o:latest", "openai/gpt-4o", ":latest"),
    ("huggingface", "deepseek-ai/DeepSeek-V3.2:novita", "deepseek-ai/DeepSeek-V3.2:novita", ""),
]


@pytest.mark.parametrize(("provider", "name", "model", "rule"), REACHED)
def test_a_name_leads_to_its_row(provider: str, name: str, model: str, rule: str) -> None:
    entry = CATALOGUE.find(provider, name)
    assert entry is not None
    assert (entry.model, entry.matched_by) == (model, rule)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("openai", "gpt-4o-foo"),
        ("openai", "gpt-4o-"),
        ("openai", "gpt-4"[:-1]),
        ("openai", "gpt-4o-2024"),
        ("openai", "gpt-4o-2024-13-01"),
        ("openai", "gpt-4o-20241301"),
        ("openai", "gpt-4o-99999999"),
        ("openai", "gpt-4o-1234"),  # Moonshot's and Mistral's names of that form are other models
        ("openai", "my-gpt-4o"),
        ("openai", "anthropic/claude-sonnet-4-5"),
        ("openai", "claude-sonnet-4-5"),
        ("openai", "ft:gpt-5:acme::abc"),  # never the price of the model that was tuned
        ("openai", "gpt-4o:free"),
        ("openai", "gpt-4o@default"),
        ("openai", ""),
        ("openai", "/"),
        ("openai", "gpt-4o\n"[:-1] + "\x00"),
        ("anthropic", "claude-sonnet-4-5-turbo"),
        ("anthropic", "claude-sonnet-4"[:-2]),
        ("anthropic", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("cohere", "command-r-09-2031"),  # Cohere's month and year: another model, at another price
        ("mistral", "mistral-large-3112"),
        ("moonshot", "kimi-k2-1299"),
        ("bedrock", "us-gov.anthropic.claude-3-haiku-20240307-v1:0"),
        ("bedrock", "global.anthropic.claude-3-haiku-20240307-v1:0"),
        ("bedrock", "claude-sonnet-4-5"),
        ("openrouter", "gpt-4o"),
        ("openrouter", "openai/gpt-4o:nitro"),
        ("nobody", "gpt-4o"),
        ("../openai", "gpt-4o"),
        ("", "gpt-4o"),
    ],
)
def test_no_rule_guesses(provider: str, name: str) -> None:
    assert CATALOGUE.find(provider, name) is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("gpt-4o", "openai/gpt-4o"),
        (" gpt-4o ", "openai/gpt-4o"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("google/gemini-2.5-pro", "gemini/gemini-2.5-pro"),
        ("vertex/gemini-2.5-pro", "vertex_ai/gemini-2.5-pro"),
        ("vertex_ai-language-models/gemini-2.5-pro", "vertex_ai/gemini-2.5-pro"),
        ("together/deepseek-ai/DeepSeek-V4-Pro", "together_ai/deepseek-ai/DeepSeek-V4-Pro"),
        ("dashscope/qwen-max", "qwen_ai_platform/qwen-max"),
        ("gpt-oss-120b", None),  # many hosts have it, and none is its home
        ("llama-3.3-70b", None),
        ("gpt-4o-foo", None),
        ("openai/", None),
        ("/gpt-4o", None),
        ("no-such-provider/gpt-4o", None),
        ("", None),
    ],
)
def test_a_name_of_its_own_leads_home(name: str, found: str | None) -> None:
    entry = CATALOGUE.find_named(name)
    assert (entry and entry.name) == found


def test_every_rule_is_used_by_an_example() -> None:
    used = {rule for *_, rules in REACHED for rule in rules.split(", ")}
    unused = {rule.name for rule in RULES} - used
    assert unused == {"Fireworks path"}  # below: all rows there have the short name as an alias today


def test_every_rule_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert all(f"| `{rule.name}` |" in page for rule in RULES)


def test_fireworks_has_a_short_name_for_each_model() -> None:
    assert ("accounts/fireworks/models/new-model", "Fireworks path") in names_by_rule("fireworks_ai", "new-model")
    assert not list(names_by_rule("fireworks_ai", "accounts/acme/models/tuned"))


def test_rules_of_one_provider_hold_nowhere_else() -> None:
    tried = {name for name, _ in names_by_rule("openai", "us.anthropic.claude-3-haiku-20240307-v1:0")}
    assert tried == set()
