"""Questions about a model that need no call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from dragoman.credentials import lookup
from dragoman.errors import BadRequestError, DragomanError
from dragoman.models import count_tokens
from dragoman.providers import base_address, missing_settings
from dragoman.providers import supported_openai_params as _supported
from dragoman.sdk._custom import PROVIDERS
from dragoman.sdk._request import plain

if TYPE_CHECKING:
    from dragoman.sdk._params import Messages

__all__ = [
    "Environment",
    "get_llm_provider",
    "get_supported_openai_params",
    "token_counter",
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
    return _supported(provider, name)


def validate_environment(
    model: str, api_key: str | None = None, api_base: str | None = None, api_version: str | None = None
) -> Environment:
    """Whether the environment holds what the model's provider needs, and if not, the variables of which one is missing."""
    provider, _ = PROVIDERS.resolve(model)
    held = {*(provider.credential.env if api_key else ())}
    missing = [name for name in missing_settings(provider, api_base) if name not in held]
    return {"keys_in_environment": not missing, "missing_keys": missing}


def token_counter(
    model: str = "",
    text: str | Sequence[str] | None = None,
    messages: Messages | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    **_: Any,
) -> int:
    """Estimate the input tokens of a text or a chat, without asking anybody. See `acount_tokens` for the provider's count.

    Further arguments of LiteLLM's function are accepted: they say how its own tokenizers count. Raises `BadRequestError`
    naming an argument of the wrong type."""
    chat, kit = _objects("messages", messages), _objects("tools", tools)
    if not (text is None or isinstance(text, str) or _all(text, str)):
        raise _wrong("text", "a string or a list of strings", text)
    return count_tokens(chat, kit, text, model)


def _objects(name: str, value: Any) -> Any:
    """The objects of a list, plain."""
    if value is None:
        return None
    items = value if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable) else plain(list(value))
    if not _all(items, Mapping):
        raise _wrong(name, "a list of objects", value)
    return items


def _all(value: Any, kind: type) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, kind) for item in value)


def _wrong(name: str, expected: str, value: Any) -> BadRequestError:
    return BadRequestError(f"{name}: expected {expected}, got {type(value).__name__}", param=name, code="invalid_type")
