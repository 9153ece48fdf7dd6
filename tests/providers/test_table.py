"""The table of OpenAI-compatible providers, held against the list that it was made from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dragoman.dialects.openai_chat import ACCENTS
from dragoman.errors import AuthenticationError
from dragoman.models import provider_of
from dragoman.providers import Provider, Providers
from tests.credentials.signing import signed_headers

_LIST = Path(os.environ.get("DRAGOMAN_RECORDINGS") or Path(__file__).parents[3] / "shared" / "recordings").parent
_FILE = _LIST / "openai_compatible_providers.json"
NO_KEYS = {"CLOUDFLARE_ACCOUNT_ID", "PRIVATEMODE_ENDPOINT"}
"""Listed among the keys, and no keys: they are part of an address."""


def listed() -> list[Any]:
    if _FILE.exists():
        return [pytest.param(row, id=row["name"]) for row in json.loads(_FILE.read_text())]
    missing = (
        pytest.mark.missing_recordings if os.environ.get("CI") == "true" else pytest.mark.skip(f"{_FILE} is missing")
    )
    return [pytest.param(None, marks=missing, id="no-list")]


def everybody() -> list[Any]:
    known = Providers()
    return [pytest.param(known.find(name), id=name) for name in known.names()]


@pytest.mark.parametrize("row", listed())
def test_every_listed_provider_is_known_at_its_address(row: dict[str, Any]) -> None:
    provider, model = Providers().resolve(f"{row['name']}/some/model")
    assert provider.name == row["name"]
    assert model == "some/model"
    assert provider.base_url + ("" if provider.name != "heroku" else "/v1") == row["base_url"].replace("${", "{")
    for alias in row.get("also_known_as", ()):
        assert Providers().find(alias) is provider


@pytest.mark.parametrize("row", listed())
async def test_every_listed_key_is_found_and_sent(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Providers().find(row["name"])
    keys = [name for name in row["api_key_env"] if name not in NO_KEYS]
    assert set(keys) <= set(provider.credential.env)
    for name in provider.credential.env:
        monkeypatch.delenv(name, raising=False)
    for name in keys:
        with monkeypatch.context() as context:
            context.setenv(name, "canary")
            assert "canary" in str(await signed_headers(provider.credential, None, provider=provider.name))
    if provider.credential.is_available():
        assert await signed_headers(provider.credential, None, provider=provider.name) == {}
    else:
        with pytest.raises(AuthenticationError):
            await signed_headers(provider.credential, None, provider=provider.name)


@pytest.mark.parametrize("row", listed())
def test_what_is_no_key_is_never_sent_as_one(row: dict[str, Any]) -> None:
    assert not NO_KEYS & set(Providers().find(row["name"]).credential.env)


KNOWN_NAMES = {
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "vllm": "hosted_vllm",
    "nvidia": "nvidia_nim",
    "ollama_chat": "ollama",
    "github-copilot": "github_copilot",
    "alibaba": "qwencloud",
    "google": "gemini",
    "moonshotai": "moonshot",
    "venice": "veniceai",
    "vercel": "vercel_ai_gateway",
    "text-completion-openai": "openai",
    "friendli": "friendliai",
}
SECOND_KEYS = {
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY",),
    "perplexity": ("PERPLEXITY_API_KEY",),
    "friendliai": ("FRIENDLI_TOKEN",),
    "volcengine": ("ARK_API_KEY",),
    "huggingface": ("HUGGINGFACE_API_KEY",),
    "databricks": ("DATABRICKS_TOKEN",),
    "gemini": ("GOOGLE_API_KEY",),
    "anthropic": ("ANTHROPIC_AUTH_TOKEN",),
}


def test_the_names_and_keys_that_users_know() -> None:
    known = Providers()
    for alias, name in KNOWN_NAMES.items():
        assert known.find(alias).name == name
    for name, keys in SECOND_KEYS.items():
        assert set(keys) <= set(known.find(name).credential.env)
    for name in ("openai_like", "custom_openai", "litellm_proxy", "llamafile", "lm_studio", "lmstudio", "dashscope"):
        assert known.find(name).name == name


def test_no_name_means_two_providers() -> None:
    known = Providers()
    names = list(known.names())
    aliases = [alias for name in names for alias in known.find(name).aliases]
    assert len({*names, *aliases}) == len(names) + len(aliases)
    assert all(name == name.lower() and "/" not in name for name in [*names, *aliases])


@pytest.mark.parametrize("provider", everybody())
def test_every_record_is_sound(provider: Provider) -> None:
    assert re.fullmatch(r"(https?://|\{)[^\s]+[^/]", provider.base_url)
    assert isinstance(hash(provider.endpoints), int)
    assert "canary" not in repr(provider)
    if provider.accent is not None:
        assert provider.accent in ACCENTS.values()
    for operation in provider.endpoints:
        assert operation in provider.endpoints
        assert provider.endpoints[operation].codec.operation.name == operation
        assert provider.endpoints[operation].path.startswith("/")
    with pytest.raises(KeyError):
        provider.endpoints["nothing"]


def test_every_provider_of_a_bare_name_exists() -> None:
    known = Providers()
    for model in (
        "gpt-4o",
        "claude-3-haiku",
        "gemini-2.5-pro",
        "deepseek-chat",
        "mistral-large",
        "grok-4",
        "sonar",
        "glm-4.6",
    ):
        assert known.resolve(model) == (known.find(str(provider_of(model))), model)


SPOKEN = {"anthropic": "anthropic_messages", "gemini": "gemini", "302ai": "openai_chat", "deepinfra": "openai_chat"}
"""Providers without an accent, which is a record of the dialect."""


@pytest.mark.parametrize("name", SPOKEN)
def test_a_look_up_reads_only_what_it_needs(name: str) -> None:
    code = f"""
import sys
from dragoman.dialects.registry import dialect_names
from dragoman.providers import Providers

def loaded():
    return [name for name in dialect_names() if "dragoman.dialects." + name in sys.modules]

provider = Providers().find({name!r})
print(loaded(), "pydantic" in sys.modules, "aiohttp" in sys.modules)
provider.endpoints["chat"]
print(loaded())
"""
    done = subprocess.run([sys.executable, "-I", "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"[] False False\n[{SPOKEN[name]!r}]\n"
