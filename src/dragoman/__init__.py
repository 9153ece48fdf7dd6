"""Dragoman: one call to every large language model.

    from dragoman import completion
    response = completion("anthropic/claude-sonnet-5-5", [{"role": "user", "content": "Hello"}])
    print(response.choices[0].message.content)

Names are imported on first use. Settings such as `dragoman.drop_params = True` hold for every call of the process that
says nothing itself (see `dragoman.sdk.settings.Settings`).
"""

from __future__ import annotations

import importlib
import sys
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from dragoman.sdk.settings import SETTINGS as _SETTINGS
from dragoman.sdk.settings import Settings as _Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dragoman import exceptions
    from dragoman.errors import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        AuthenticationError,
        BadGatewayError,
        BadRequestError,
        BudgetExceededError,
        CallerAuthenticationError,
        CallerError,
        ConfigError,
        ConflictError,
        ContentPolicyViolationError,
        ContextWindowExceededError,
        DragomanError,
        InsufficientQuotaError,
        InternalServerError,
        NotFoundError,
        PaymentRequiredError,
        PermissionDeniedError,
        RateLimitError,
        RequestTooLargeError,
        ServiceUnavailableError,
        Timeout,
        UnprocessableEntityError,
        UnsupportedAbilityError,
        UnsupportedParamsError,
    )
    from dragoman.exceptions import ImageFetchError, InvalidRequestError, JSONSchemaValidationError, OpenAIError
    from dragoman.observe import (
        AttemptEnded,
        CallFailed,
        CallSucceeded,
        CanaryStopped,
        CircuitClosed,
        CircuitOpened,
        FallbackRateHigh,
        FallbackRateNormal,
        FallbackStarted,
        HealthChecked,
    )
    from dragoman.providers import Provider
    from dragoman.routing import Attempt, CallLog, Explanation, FunctionCall
    from dragoman.sdk.assemble import stream_chunk_builder
    from dragoman.sdk.custom import CustomLLM, CustomLLMError, GenericStreamingChunk, register_provider
    from dragoman.sdk.facts import (
        get_max_tokens,
        get_model_info,
        get_valid_models,
        model_entry,
        supports_audio_input,
        supports_audio_output,
        supports_function_calling,
        supports_parallel_function_calling,
        supports_pdf_input,
        supports_prompt_caching,
        supports_reasoning,
        supports_response_schema,
        supports_system_messages,
        supports_tool_choice,
        supports_video_input,
        supports_vision,
        supports_web_search,
    )
    from dragoman.sdk.functions import (
        acompletion,
        acount_tokens,
        aembedding,
        atext_completion,
        completion,
        embedding,
        text_completion,
    )
    from dragoman.sdk.models import get_llm_provider, get_supported_openai_params, validate_environment
    from dragoman.sdk.params import ChatParams, EmbeddingParams, TextParams
    from dragoman.sdk.prices import completion_cost, cost, cost_bounds, cost_per_token, response_cost_calculator
    from dragoman.sdk.registry import get_model_cost_map, model_cost, register_model
    from dragoman.sdk.router import Router
    from dragoman.sdk.streams import AsyncStream, CustomStreamWrapper, Stream
    from dragoman.sdk.tokens import create_tokenizer, decode, encode, token_counter
    from dragoman.types.cost import Cost, CostBounds, CostLine, dollars
    from dragoman.types.model_entry import ModelEntry
    from dragoman.types.results import (
        ChatCompletionMessageToolCall,
        Choices,
        Delta,
        EmbeddingResponse,
        Function,
        Message,
        ModelResponse,
        ModelResponseStream,
        StreamingChoices,
        TextChoices,
        TextCompletionResponse,
        TokenCountResponse,
        Usage,
    )

    __version__: str
    drop_params: bool
    num_retries: int | None
    request_timeout: float | None
    stream_timeout: float | None
    api_key: str | None
    api_base: str | None
    api_version: str | None
    headers: Mapping[str, str] | None
    default_fallbacks: Sequence[str | dict[str, Any]] | None
    custom_provider_map: list[dict[str, Any]]
    set_verbose: bool
    suppress_debug_info: bool
    telemetry: bool

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "AsyncStream",
    "Attempt",
    "AttemptEnded",
    "AuthenticationError",
    "BadGatewayError",
    "BadRequestError",
    "BudgetExceededError",
    "CallFailed",
    "CallLog",
    "CallSucceeded",
    "CallerAuthenticationError",
    "CallerError",
    "CanaryStopped",
    "ChatCompletionMessageToolCall",
    "ChatParams",
    "Choices",
    "CircuitClosed",
    "CircuitOpened",
    "ConfigError",
    "ConflictError",
    "ContentPolicyViolationError",
    "ContextWindowExceededError",
    "Cost",
    "CostBounds",
    "CostLine",
    "CustomLLM",
    "CustomLLMError",
    "CustomStreamWrapper",
    "Delta",
    "DragomanError",
    "EmbeddingParams",
    "EmbeddingResponse",
    "Explanation",
    "FallbackRateHigh",
    "FallbackRateNormal",
    "FallbackStarted",
    "Function",
    "FunctionCall",
    "GenericStreamingChunk",
    "HealthChecked",
    "ImageFetchError",
    "InsufficientQuotaError",
    "InternalServerError",
    "InvalidRequestError",
    "JSONSchemaValidationError",
    "Message",
    "ModelEntry",
    "ModelResponse",
    "ModelResponseStream",
    "NotFoundError",
    "OpenAIError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "Provider",
    "RateLimitError",
    "RequestTooLargeError",
    "Router",
    "ServiceUnavailableError",
    "Stream",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "TextParams",
    "Timeout",
    "TokenCountResponse",
    "UnprocessableEntityError",
    "UnsupportedAbilityError",
    "UnsupportedParamsError",
    "Usage",
    "acompletion",
    "acount_tokens",
    "aembedding",
    "atext_completion",
    "completion",
    "completion_cost",
    "cost",
    "cost_bounds",
    "cost_per_token",
    "create_tokenizer",
    "decode",
    "dollars",
    "embedding",
    "encode",
    "exceptions",
    "get_llm_provider",
    "get_max_tokens",
    "get_model_cost_map",
    "get_model_info",
    "get_supported_openai_params",
    "get_valid_models",
    "model_cost",
    "model_entry",
    "register_model",
    "register_provider",
    "response_cost_calculator",
    "stream_chunk_builder",
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
    "text_completion",
    "token_counter",
    "validate_environment",
]

_PLACES = MappingProxyType(
    {
        name: module
        for module, names in {
            "_version": "__version__",
            "exceptions": "ImageFetchError InvalidRequestError JSONSchemaValidationError OpenAIError",
            "errors": """
                APIConnectionError APIError APIResponseValidationError APIStatusError AuthenticationError
                BadGatewayError BadRequestError BudgetExceededError CallerAuthenticationError CallerError
                ConfigError ConflictError ContentPolicyViolationError ContextWindowExceededError DragomanError
                InsufficientQuotaError InternalServerError NotFoundError PaymentRequiredError PermissionDeniedError RateLimitError
                RequestTooLargeError ServiceUnavailableError Timeout UnprocessableEntityError UnsupportedAbilityError
                UnsupportedParamsError
            """,
            "observe": "AttemptEnded CallFailed CallSucceeded CanaryStopped CircuitClosed CircuitOpened FallbackRateHigh "
            "FallbackRateNormal FallbackStarted HealthChecked",
            "providers": "Provider",
            "routing": "Attempt CallLog Explanation FunctionCall",
            "sdk.assemble": "stream_chunk_builder",
            "sdk.custom": "CustomLLM CustomLLMError GenericStreamingChunk register_provider",
            "sdk.facts": """
                get_max_tokens get_model_info get_valid_models model_entry
                supports_audio_input supports_audio_output supports_function_calling supports_parallel_function_calling
                supports_pdf_input supports_prompt_caching supports_reasoning supports_response_schema
                supports_system_messages supports_tool_choice supports_video_input supports_vision supports_web_search
            """,
            "sdk.functions": """
                acompletion acount_tokens aembedding atext_completion completion embedding text_completion
            """,
            "sdk.models": "get_llm_provider get_supported_openai_params validate_environment",
            "sdk.params": "ChatParams EmbeddingParams TextParams",
            "sdk.prices": "completion_cost cost cost_bounds cost_per_token response_cost_calculator",
            "sdk.registry": "get_model_cost_map model_cost register_model",
            "sdk.router": "Router",
            "sdk.streams": "AsyncStream CustomStreamWrapper Stream",
            "sdk.tokens": "create_tokenizer decode encode token_counter",
            "types.cost": "Cost CostBounds CostLine dollars",
            "types.model_entry": "ModelEntry",
            "types.results": """
                ChatCompletionMessageToolCall Choices Delta EmbeddingResponse Function Message ModelResponse
                ModelResponseStream StreamingChoices TextChoices TextCompletionResponse TokenCountResponse Usage
            """,
        }.items()
        for name in names.split()
    }
)
"""Public name -> the module that it comes from."""
_MODULES = frozenset({"cost_calculator", "exceptions", "main", "router", "utils"})
"""Modules that are imported on first use; all but one have LiteLLM's names for what is above."""


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        value = getattr(importlib.import_module(f"dragoman.{_PLACES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"dragoman.{name}")
    else:
        from dragoman.litellm.unsupported import absent

        raise absent("dragoman", name, __all__)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Module(ModuleType):
    """The package as a module whose settings are those of one object, so that they can be read, set and deleted by name."""

    def __setattr__(self, name: str, value: Any) -> None:
        known = name.startswith("_") or name in __all__ or hasattr(_Settings, name) or isinstance(value, ModuleType)
        if not known:
            from dragoman.litellm.unsupported import warn_of_setting

            warn_of_setting(name, _SETTING_NAMES)
        super().__setattr__(name, value)


def _setting(name: str) -> property:
    return property(
        lambda _module: getattr(_SETTINGS, name),
        lambda _module, value: setattr(_SETTINGS, name, value),
        lambda _module: delattr(_SETTINGS, name),
    )


_SETTING_NAMES = tuple(name for name in vars(_Settings) if not name.startswith("_") and name != "options")
for _name in _SETTING_NAMES:
    setattr(_Module, _name, _setting(_name))
sys.modules[__name__].__class__ = _Module
del _name
