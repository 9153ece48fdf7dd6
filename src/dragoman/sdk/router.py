"""`Router`: one list of deployments, and every call with typed parameters and results. The functions of the package are the
methods of one router without a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from dragoman import _sync, routing
from dragoman.dialects import openai_chat
from dragoman.dialects.openai_chat import completions, embeddings
from dragoman.sdk._arguments import described
from dragoman.sdk._managed import ManagedRouter
from dragoman.sdk._request import BuiltCall, build_call
from dragoman.sdk._results import result_of
from dragoman.sdk._tracebacks import SHALLOW
from dragoman.sdk._verbosity import set_log_level
from dragoman.sdk.params import ChatParams, EmbeddingParams, TextParams
from dragoman.sdk.settings import SETTINGS
from dragoman.sdk.streams import AsyncStream, Stream
from dragoman.types.operations import CHAT, COUNT_TOKENS, EMBEDDING, TEXT_COMPLETION
from dragoman.types.results import (
    EmbeddingResponse,
    ModelResponse,
    ModelResponseStream,
    TextCompletionResponse,
    TokenCountResponse,
)
from dragoman.types.router import Deployment

if TYPE_CHECKING:
    from dragoman.models import Catalogue
    from dragoman.observe import Listener
    from dragoman.providers import Providers
    from dragoman.routing import Explanation
    from dragoman.sdk.params import Messages

__all__ = ["Router"]

_Targets = Sequence[str | Mapping[str, Any]]
_Fallbacks = Sequence[Mapping[str, _Targets]] | Mapping[str, _Targets]

_SOME_CHAT = ({"role": "user", "content": "Hello"},)


class Router(ManagedRouter):
    """Calls by alias over a list of deployments, with retries and fallbacks. Times are seconds.

    `model_list` holds `{model_name, litellm_params | params: {model, api_key, ...}, model_info}`, fallbacks
    `[{alias: [models]}]`. A model that is no alias is called as `provider/model`. Raises `ConfigError` naming each wrong
    path. `set_verbose` logs from `debug_level` on, as `dragoman.set_verbose` does. `settings` are those of `docs/routing.md`, by
    name. LiteLLM's other arguments are accepted, and named in a warning of the logger `dragoman`."""

    def __init__(
        self,
        model_list: Iterable[Mapping[str, Any]] | None = None,
        *,
        num_retries: int | None = None,
        timeout: float | None = None,
        stream_timeout: float | None = None,
        fallbacks: _Fallbacks | None = None,
        default_fallbacks: _Targets | None = None,
        context_window_fallbacks: _Fallbacks | None = None,
        content_policy_fallbacks: _Fallbacks | None = None,
        max_fallbacks: int | None = None,
        retry_after: float | None = None,
        drop_params: bool | None = None,
        block_requests_for_models_without_pricing: bool | None = None,
        providers: Providers | None = None,
        catalogue: Catalogue | None = None,
        listeners: Sequence[Listener] = (),
        verify: bool | str = True,
        set_verbose: bool = False,
        debug_level: str = "DEBUG",
        **settings: Any,
    ) -> None:
        values: dict[str, Any] = {
            "num_retries": num_retries,
            "timeout": timeout,
            "stream_timeout": stream_timeout,
            "fallbacks": fallbacks,
            "default_fallbacks": default_fallbacks,
            "context_window_fallbacks": context_window_fallbacks,
            "content_policy_fallbacks": content_policy_fallbacks,
            "max_fallbacks": max_fallbacks,
            "retry_after": retry_after,
            "drop_params": drop_params,
            "block_requests_for_models_without_pricing": block_requests_for_models_without_pricing,
            **settings,
        }
        if set_verbose:
            set_log_level(debug_level)
        super().__init__(
            model_list or (), values, providers=providers, catalogue=catalogue, listeners=listeners, verify=verify
        )

    @overload
    def completion(
        self, model: str, messages: Messages, *, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> Stream[ModelResponseStream]: ...
    @overload
    def completion(
        self, model: str, messages: Messages, *, stream: Literal[False] | None = None, **params: Unpack[ChatParams]
    ) -> ModelResponse: ...
    @overload
    def completion(
        self, model: str, messages: Messages, *, stream: bool | None, **params: Unpack[ChatParams]
    ) -> ModelResponse | Stream[ModelResponseStream]: ...
    def completion(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Unpack[ChatParams]
    ) -> ModelResponse | Stream[ModelResponseStream]:
        """Ask for a chat completion: `ModelResponse`, or with `stream=True` an iterator of `ModelResponseStream`.

        `model` is `provider/model`, a well-known bare name, or an alias of this router. Parameters: see `ChatParams`; others
        go to the provider as they are. Raises `BadRequestError` naming a wrong parameter, and the other classes of
        `dragoman.errors`, with the `attempts` that were made."""
        with SHALLOW:
            request = self._chat(model, messages, stream, params)
            answer = _sync.run(self._core.answer(request.call))
        if isinstance(answer, routing.StreamAnswer):
            return Stream(answer, request, ModelResponseStream)
        return result_of(ModelResponse, answer, request)

    @overload
    async def acompletion(
        self, model: str, messages: Messages, *, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> AsyncStream[ModelResponseStream]: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, *, stream: Literal[False] | None = None, **params: Unpack[ChatParams]
    ) -> ModelResponse: ...
    @overload
    async def acompletion(
        self, model: str, messages: Messages, *, stream: bool | None, **params: Unpack[ChatParams]
    ) -> ModelResponse | AsyncStream[ModelResponseStream]: ...
    async def acompletion(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Unpack[ChatParams]
    ) -> ModelResponse | AsyncStream[ModelResponseStream]:
        """As `completion`, for callers with an event loop."""
        with SHALLOW:
            request = self._chat(model, messages, stream, params)
            answer = await self._core.answer(request.call)
        if isinstance(answer, routing.StreamAnswer):
            return AsyncStream(answer, request, ModelResponseStream)
        return result_of(ModelResponse, answer, request)

    @overload
    def text_completion(
        self, model: str, prompt: str | Sequence[Any], *, stream: Literal[True], **params: Unpack[TextParams]
    ) -> Stream[TextCompletionResponse]: ...
    @overload
    def text_completion(
        self,
        model: str,
        prompt: str | Sequence[Any],
        *,
        stream: Literal[False] | None = None,
        **params: Unpack[TextParams],
    ) -> TextCompletionResponse: ...
    @overload
    def text_completion(
        self, model: str, prompt: str | Sequence[Any], *, stream: bool | None, **params: Unpack[TextParams]
    ) -> TextCompletionResponse | Stream[TextCompletionResponse]: ...
    def text_completion(
        self, model: str, prompt: str | Sequence[Any], *, stream: bool | None = None, **params: Unpack[TextParams]
    ) -> TextCompletionResponse | Stream[TextCompletionResponse]:
        """Request a text completion; a provider that only chats gets it as a chat."""
        with SHALLOW:
            request = self._text(model, prompt, stream, params)
            answer = _sync.run(self._core.answer(request.call))
        if isinstance(answer, routing.StreamAnswer):
            return Stream(answer, request, TextCompletionResponse)
        return result_of(TextCompletionResponse, answer, request)

    @overload
    async def atext_completion(
        self, model: str, prompt: str | Sequence[Any], *, stream: Literal[True], **params: Unpack[TextParams]
    ) -> AsyncStream[TextCompletionResponse]: ...
    @overload
    async def atext_completion(
        self,
        model: str,
        prompt: str | Sequence[Any],
        *,
        stream: Literal[False] | None = None,
        **params: Unpack[TextParams],
    ) -> TextCompletionResponse: ...
    @overload
    async def atext_completion(
        self, model: str, prompt: str | Sequence[Any], *, stream: bool | None, **params: Unpack[TextParams]
    ) -> TextCompletionResponse | AsyncStream[TextCompletionResponse]: ...
    async def atext_completion(
        self, model: str, prompt: str | Sequence[Any], *, stream: bool | None = None, **params: Unpack[TextParams]
    ) -> TextCompletionResponse | AsyncStream[TextCompletionResponse]:
        """As `text_completion`, for callers with an event loop."""
        with SHALLOW:
            request = self._text(model, prompt, stream, params)
            answer = await self._core.answer(request.call)
        if isinstance(answer, routing.StreamAnswer):
            return AsyncStream(answer, request, TextCompletionResponse)
        return result_of(TextCompletionResponse, answer, request)

    def embedding(self, model: str, input: str | Sequence[Any], **params: Unpack[EmbeddingParams]) -> EmbeddingResponse:
        """Ask for the vectors of one text, or of several."""
        with SHALLOW:
            request = self._embed(model, input, params)
            return result_of(EmbeddingResponse, _sync.run(self._core.answer(request.call)), request)

    async def aembedding(
        self, model: str, input: str | Sequence[Any], **params: Unpack[EmbeddingParams]
    ) -> EmbeddingResponse:
        """As `embedding`, for callers with an event loop."""
        with SHALLOW:
            request = self._embed(model, input, params)
            return result_of(EmbeddingResponse, await self._core.answer(request.call), request)

    async def acount_tokens(self, model: str, messages: Messages, **params: Unpack[ChatParams]) -> TokenCountResponse:
        """Count the input tokens of a chat: by the provider where it counts, else estimated (`estimated` says so)."""
        with SHALLOW:
            request = self._chat(model, messages, None, params)
            request.call.operation = COUNT_TOKENS
            request.call.request = {"model": model, "chat": request.call.request}
            answer = await self._core.answer(request.call)
        assert isinstance(answer, routing.Answer)
        counted = answer.response
        answer.response = {
            "total_tokens": counted["input_tokens"],
            "request_model": model,
            "model_used": answer.model,
            **counted,
        }
        return result_of(TokenCountResponse, answer, request)

    async def astate(self) -> routing.RoutingState:
        """How all deployments are now: state and cooldown, what is in flight, used limits, times, errors. It asks no provider."""
        return await self._core.state()

    def state(self) -> routing.RoutingState:
        """As `astate`, for callers without an event loop."""
        return _sync.run(self._core.state())

    def cooldowns(self) -> tuple[routing.Cooldown, ...]:
        """The deployments that are out now, each with its reason and its end."""
        return self._core.cooldowns()

    def explain(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Unpack[ChatParams]
    ) -> Explanation:
        """What would happen to such a call of `completion` now: which deployment and why, why not the others, what follows where
        it fails, and what it can cost. Nothing is sent. Raises as `completion` for a wrong parameter or an unknown model."""
        with SHALLOW:
            return _sync.run(self._core.explain(self._chat(model, messages, stream, params).call))

    async def aexplain(
        self, model: str, messages: Messages, *, stream: bool | None = None, **params: Unpack[ChatParams]
    ) -> Explanation:
        """As `explain`, for callers with an event loop."""
        with SHALLOW:
            return await self._core.explain(self._chat(model, messages, stream, params).call)

    def get_available_deployment(
        self,
        model: str,
        messages: Messages | None = None,
        input: str | Sequence[Any] | None = None,
        request_kwargs: Mapping[str, Any] | None = None,
    ) -> Deployment:
        """The deployment that such a call would be sent to now; nothing is sent or claimed. `input` is of an embedding, and
        `request_kwargs` are the parameters of the call. Raise what the call would where no deployment can take it."""
        return _sync.run(self.async_get_available_deployment(model, request_kwargs, messages, input))

    async def async_get_available_deployment(
        self,
        model: str,
        request_kwargs: Mapping[str, Any] | None = None,
        messages: Messages | None = None,
        input: str | Sequence[Any] | None = None,
    ) -> Deployment:
        """As `get_available_deployment`, for callers with an event loop."""
        params = request_kwargs or {}
        chat = messages or _SOME_CHAT
        request = self._chat(model, chat, None, params) if input is None else self._embed(model, input, params)
        return Deployment.model_validate(described(await self._core.available(request.call)))

    async def aclose(self) -> None:
        """Close the connections that belong to the running event loop."""
        await self._core.aclose()

    def close(self) -> None:
        """Close the connections of the calls that were made without an event loop."""
        _sync.run(self._core.aclose())

    def _defaults(self) -> dict[str, Any]:
        """The package's settings, overridden by this router's own."""
        return {name: value for name, value in SETTINGS.options().items() if name not in self._told}

    def _chat(self, model: str, messages: Any, stream: bool | None, params: Mapping[str, Any]) -> BuiltCall:
        return build_call(
            CHAT,
            model,
            {"messages": messages},
            params,
            read=openai_chat.CODEC.read_request,
            defaults=self._defaults(),
            stream=bool(stream),
        )

    def _text(self, model: str, prompt: Any, stream: bool | None, params: Mapping[str, Any]) -> BuiltCall:
        return build_call(
            TEXT_COMPLETION,
            model,
            {"prompt": prompt},
            params,
            read=completions.CODEC.read_request,
            defaults=self._defaults(),
            stream=bool(stream),
        )

    def _embed(self, model: str, texts: Any, params: Mapping[str, Any]) -> BuiltCall:
        read = embeddings.CODEC.read_request
        return build_call(EMBEDDING, model, {"input": texts}, params, read=read, defaults=self._defaults())
