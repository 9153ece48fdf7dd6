"""What is known of a model, under LiteLLM's names: limits, prices, abilities. No provider is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dragoman.credentials import lookup
from dragoman.errors import DragomanError, NotFoundError
from dragoman.litellm.model_info import as_model_info
from dragoman.models import abilities, provider_of
from dragoman.providers import missing_settings, supported_openai_params
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.sdk.custom import PROVIDERS
from dragoman.settings.suggestions import did_you_mean
from dragoman.types.model_entry import ModelEntry

__all__ = [
    "get_max_tokens",
    "get_model_info",
    "get_valid_models",
    "key_of",
    "model_entry",
    "names_of",
    "supports_audio_input",
    "supports_audio_output",
    "supports_function_calling",
    "supports_parallel_function_calling",
    "supports_pdf_input",
    "supports_prompt_caching",
    "supports_reasoning",
    "supports_response_schema",
    "supports_system_messages",
    "supports_tool_choice",
    "supports_video_input",
    "supports_vision",
    "supports_web_search",
    "unknown_model",
]


def model_entry(model: str, custom_llm_provider: str | None = None) -> ModelEntry | None:
    """The row of the catalogue for `provider/model`, a well-known bare name, or the name that `custom_llm_provider` uses.
    None: nothing is known of it. `matched_by` tells the rule by which an alias or a dated name led to its row."""
    known = None if custom_llm_provider else CATALOGUE.find_named(model)
    if known is not None:
        return known
    provider, name = names_of(model, custom_llm_provider)
    if not provider:
        return None
    # A provider's own name of a model may begin with the provider's name: perplexity's `perplexity/sonar`.
    return CATALOGUE.find(provider, name) or (CATALOGUE.find(provider, model) if name != model else None)


def names_of(model: str, custom_llm_provider: str | None = None) -> tuple[str, str]:
    """Return the provider that a model string means (empty: unknown), and its own name of the model."""
    try:
        provider, name = PROVIDERS.resolve(model, custom_llm_provider)
    except DragomanError:
        # Of a provider that cannot be asked yet, the prices are known all the same.
        prefix, slash, rest = model.strip().partition("/")
        if not custom_llm_provider:
            return (CATALOGUE.provider_name(prefix), rest) if slash else (provider_of(model) or "", model)
        own = CATALOGUE.provider_name(custom_llm_provider)
        return own, rest if slash and CATALOGUE.provider_name(prefix) == own else model
    return provider.name, name


def get_model_info(model: str, custom_llm_provider: str | None = None) -> dict[str, Any]:
    """Return what is known of a model, under LiteLLM's names: limits in tokens, prices in dollars for one, `supports_...`.

    None means unknown (also an unknown price; 0.0 is free). `dragoman` tells the sources.
    Raises `NotFoundError` for a model of which nothing is known."""
    entry = model_entry(model, custom_llm_provider)
    if entry is None:
        raise unknown_model(model, custom_llm_provider)
    provider, name = names_of(model, custom_llm_provider)
    known = abilities(provider, name, entry)
    info = as_model_info(replace(entry, abilities=known.can), key=key_of(entry))
    try:
        info["supported_openai_params"] = supported_openai_params(PROVIDERS.find(provider), name, entry)
    except DragomanError:
        info["supported_openai_params"] = None
    return info


def get_max_tokens(model: str, custom_llm_provider: str | None = None) -> int:
    """The most tokens that a model answers with; where that is not known, the most that it takes in.

    Raises `NotFoundError` where neither is known."""
    most = get_model_info(model, custom_llm_provider)["max_tokens"]
    if most is None:
        raise NotFoundError(f"the token limits of {model!r} are not known", model=model, param="model")
    return int(most)


def unknown_model(model: str, custom_llm_provider: str | None = None) -> NotFoundError:
    """The error for a model that is not in the catalogue."""
    provider, name = names_of(model, custom_llm_provider)
    shown = f"{provider}/{name}" if provider else model
    near = did_you_mean(name, (entry.model for entry in CATALOGUE.entries(provider))) if provider else ""
    return NotFoundError(
        f"nothing is known of the model {shown[:128]!r}{near}; tell it with dragoman.register_model",
        model=model,
        provider=provider or None,
        param="model",
    )


def key_of(entry: ModelEntry) -> str:
    """The name under which `model_cost` has a row: the bare one where that is enough, else `provider/model`."""
    return entry.model if "/" not in entry.model and provider_of(entry.model) == entry.provider else entry.name


def get_valid_models(
    check_provider_endpoint: bool = False, custom_llm_provider: str | None = None, **_: Any
) -> list[str]:
    """The models of the catalogue that can be called: those of the providers whose keys are in the environment.

    `check_provider_endpoint` would call the providers; that is not supported, and raises `ValueError`."""
    if check_provider_endpoint:
        raise ValueError("check_provider_endpoint: providers are not asked here; the catalogue's models are listed")
    names = [PROVIDERS.find(custom_llm_provider).name] if custom_llm_provider else PROVIDERS.names()
    return [
        key_of(entry)
        for provider in map(PROVIDERS.find, names)
        if lookup(provider.credential.env) is not None and not missing_settings(provider)
        for entry in CATALOGUE.entries(provider.name)
    ]


class _Supports:
    """Whether a model is known to have one ability."""

    def __init__(self, ability: str) -> None:
        self._ability = ability
        self.__name__ = self.__qualname__ = f"supports_{ability}"
        self.__doc__ = (
            f"Whether the model is known to have the ability {ability!r}. False: it lacks it, or nobody knows."
        )

    def __call__(self, model: str, custom_llm_provider: str | None = None) -> bool:
        provider, name = names_of(model, custom_llm_provider)
        entry = CATALOGUE.find(provider, name) if provider else None
        return abilities(provider, name, entry).can.get(self._ability) is True


supports_audio_input = _Supports("audio_input")
supports_audio_output = _Supports("audio_output")
supports_function_calling = _Supports("function_calling")
supports_parallel_function_calling = _Supports("parallel_function_calling")
supports_pdf_input = _Supports("pdf_input")
supports_prompt_caching = _Supports("prompt_caching")
supports_reasoning = _Supports("reasoning")
supports_response_schema = _Supports("response_schema")
supports_system_messages = _Supports("system_messages")
supports_tool_choice = _Supports("tool_choice")
supports_video_input = _Supports("video_input")
supports_vision = _Supports("vision")
supports_web_search = _Supports("web_search")
