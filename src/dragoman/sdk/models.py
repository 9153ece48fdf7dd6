"""Questions about a model that need no call."""

from __future__ import annotations

from typing import Any, TypedDict

from dragoman.credentials import lookup
from dragoman.errors import DragomanError
from dragoman.providers import base_address, missing_settings
from dragoman.providers import supported_openai_params as _supported
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.sdk.custom import PROVIDERS

__all__ = [
    "Environment",
    "get_llm_provider",
    "get_supported_openai_params",
    "validate_environment",
]


class Environment(TypedDict):
    keys_in_environment: bool
    missing_keys: list[str]


def get_llm_provider(
    model: str, custom_llm_provider: str | None = None, api_base: str | None = None, api_key: str | None = None
) -> tuple[str, str, str | None, str | None]:
    """(the provider's name of the model, provider, its key, its address) for a model string."""
    provider, name = PROVIDERS.resolve(model, custom_llm_provider)
    try:
        address: str | None = base_address(provider, api_base) or None
    except DragomanError:
        address = api_base
    return name, provider.name, api_key or lookup(provider.credential.env), address


def get_supported_openai_params(model: str, custom_llm_provider: str | None = None, **_: Any) -> list[str]:
    """OpenAI's parameters that the model takes; others are refused, or left out and reported with `drop_params`."""
    provider, name = PROVIDERS.resolve(model, custom_llm_provider)
    return _supported(provider, name, CATALOGUE.find(provider.name, name))


def validate_environment(
    model: str, api_key: str | None = None, api_base: str | None = None, api_version: str | None = None
) -> Environment:
    """Whether the environment holds what the model's provider needs, and if not, the variables of which one is missing."""
    provider, _ = PROVIDERS.resolve(model)
    held = {*(provider.credential.env if api_key else ())}
    missing = [name for name in missing_settings(provider, api_base) if name not in held]
    return {"keys_in_environment": not missing, "missing_keys": missing}
