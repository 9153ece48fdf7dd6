"""Which of OpenAI's chat parameters a provider's model takes, found by having its codec write each one."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import Target
from dragoman.errors import BadRequestError
from dragoman.models import Abilities, abilities, missing, needed
from dragoman.providers._provider import Provider
from dragoman.types.model_entry import ModelEntry
from dragoman.types.operations import CHAT
from dragoman.types.request_params import REQUEST_PARAMS, RequestParam

__all__ = ["supported_openai_params"]


def supported_openai_params(provider: Provider, model: str, entry: ModelEntry | None = None) -> list[str]:
    """Return the names of OpenAI's chat parameters that reach `model` with their meaning; the others would be refused, or
    left out and reported with `drop_params`. `entry` is the model's row in the catalogue.

    Empty for a provider that offers no chat."""
    if CHAT.name not in provider.endpoints:
        return []
    known = abilities(provider.name, model, entry)
    params = REQUEST_PARAMS[CHAT.name].values()
    return [param.name for param in params if param.listed and _takes(provider, model, known, param)]


def _takes(provider: Provider, model: str, known: Abilities, param: RequestParam) -> bool:
    samples = (param.sample,) if param.other_sample is None else (param.sample, param.other_sample)
    return any(_takes_value(provider, model, known, param, value) for value in samples)


def _takes_value(provider: Provider, model: str, known: Abilities, param: RequestParam, value: Any) -> bool:
    sample = {**param.beside, param.name: value}
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **sample}
    if missing(needed(request), known):
        return False
    target = Target(
        provider=provider.name,
        model=model,
        vendor=provider.vendor or provider.name,
        stream=bool(sample.get("stream")),
        facts=known.facts,
        accent=provider.accent,
    )
    try:
        wire = provider.endpoints[CHAT.name].codec.write_request(request, target)
    except BadRequestError:
        return False
    return param.name not in wire.dropped
