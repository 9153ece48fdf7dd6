"""Providers that are the user's own code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

from dragoman.credentials import NoCredential
from dragoman.errors import NotFoundError
from dragoman.providers import Provider, Providers
from dragoman.routing import FunctionCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
from dragoman.types.operations import CHAT, EMBEDDING

__all__ = ["PROVIDERS", "CustomLLM", "CustomLLMError", "GenericStreamingChunk", "register_provider"]

PROVIDERS = Providers()
"""The providers that every router of this process knows, but those that were given their own."""


class CustomLLMError(Exception):
    """What a `CustomLLM` raises to say with which HTTP status its provider failed; callers get the error for that status."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.message = message


class GenericStreamingChunk(TypedDict, total=False):
    """One piece of a `CustomLLM`'s stream; a plain text, or a chunk in OpenAI's shape, does as well."""

    text: str
    is_finished: bool
    finish_reason: str
    usage: dict[str, Any] | None
    index: int
    tool_use: dict[str, Any] | None


class CustomLLM:
    """A provider in code: subclass it with the methods that your provider has, plain or async, and register it.

    Each gets `model`, `messages` (or `input`), `optional_params`, `api_key`, `api_base`, `headers`, `timeout` and
    `litellm_params` as keyword arguments, and gives a text, a message or response in OpenAI's shape (or a `ModelResponse`);
    the streaming ones are iterators of texts or chunks."""

    def completion(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    def streaming(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        raise NotImplementedError

    def astreaming(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError

    def embedding(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def aembedding(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError


def register_provider(
    provider: str | Provider, handler: CustomLLM | Callable[[FunctionCall], Any] | None = None
) -> None:
    """Make a provider known to the package's functions and to every `Router`.

    A `Provider` needs no handler. A name comes with a `CustomLLM`, or with a function that takes a `FunctionCall`."""
    if isinstance(provider, Provider):
        PROVIDERS.add(provider)
        return
    if handler is None:
        raise TypeError("a provider's name needs a handler: a CustomLLM, or a function that takes a FunctionCall")
    function = handler if callable(handler) else _Methods(handler)
    PROVIDERS.add(Provider(name=provider, base_url="", endpoints={}, credential=NoCredential(), function=function))


_METHODS: dict[tuple[str, bool], tuple[str, ...]] = {
    (CHAT.name, False): ("acompletion", "completion"),
    (CHAT.name, True): ("astreaming", "streaming", "acompletion", "completion"),
    (EMBEDDING.name, False): ("aembedding", "embedding"),
}


class _Methods:
    """Finds the method of a `CustomLLM` for a call: the async one where it has both."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def __call__(self, call: FunctionCall) -> Any:
        names = _METHODS.get((call.operation, call.stream), ())
        name = next((name for name in names if self._has(name)), None)
        if name is None:
            what = f"{call.operation} {'streams' if call.stream else 'calls'}"
            raise NotFoundError(f"{type(self._handler).__name__} answers no {what}", code="unsupported_operation")
        return getattr(self._handler, name)(**_arguments(call))

    def _has(self, name: str) -> bool:
        own = getattr(type(self._handler), name, None)
        return own is not None and own is not getattr(CustomLLM, name)


def _arguments(call: FunctionCall) -> dict[str, Any]:
    """The keyword arguments that LiteLLM gives."""
    params = {name: value for name, value in call.request.items() if name not in ("model", "messages", "input")}
    content: dict[str, Any] = {"messages": call.request.get("messages")}
    extra: dict[str, Any] = {"custom_prompt_dict": {}, "encoding": None, "acompletion": None, "logger_fn": None}
    extra |= {"headers": dict(call.options.extra_headers), "client": None}
    if call.operation == EMBEDDING.name:
        content, extra = {"input": call.request.get("input")}, {}
    return {
        "model": call.model,
        **content,
        "optional_params": params,
        "litellm_params": {"metadata": call.options.metadata, "request_id": call.request_id},
        "api_key": call.options.api_key,
        "api_base": call.options.api_base,
        "timeout": call.timeout,
        "model_response": _empty(call),
        "print_verbose": _quiet,
        "logging_obj": None,
        **extra,
    }


def _empty(call: FunctionCall) -> Any:
    """An empty result, for code that fills one in."""
    from dragoman.types.results import Choices, EmbeddingResponse, Message, ModelResponse

    if call.operation == EMBEDDING.name:
        return EmbeddingResponse(model=call.model)
    return ModelResponse(model=call.model, choices=[Choices(finish_reason="stop", message=Message())])


def _quiet(*_: Any, **__: Any) -> None:
    """In the place of LiteLLM's `print_verbose`."""
