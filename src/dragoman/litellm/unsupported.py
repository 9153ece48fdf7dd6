"""What to use instead of LiteLLM's names that are not here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dragoman.settings.suggestions import did_you_mean

__all__ = ["absent", "instead_of", "warn_of_setting"]

_SIMILARITY = 0.75
"""Of two names: a module has many, and unlike ones would be suggested."""

_LISTENERS = "pass listeners to Router(listeners=[...]), see docs/observability.md"
_NO_RESPONSES = "the Responses API is not supported yet: use completion or acompletion"
_LATER = "not supported yet"
_KEY = "set the provider's variable in the environment, or pass api_key"
_DICTS = "plain dicts of OpenAI's shape do"
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "callbacks success_callback failure_callback input_callback service_callback _async_success_callback": _LISTENERS,
        "_async_failure_callback CustomLogger logging_callback_manager": _LISTENERS,
        "responses aresponses ResponsesAPIResponse ResponseInputParam ResponseFunctionToolCall": _NO_RESPONSES,
        "image_generation aimage_generation image_edit aimage_edit image_variation aimage_variation": _LATER,
        "transcription atranscription speech aspeech rerank arerank ocr aocr search asearch moderation amoderation": _LATER,
        "videos vector_stores create_file acreate_file create_batch acreate_batch experimental_mcp_client": _LATER,
        "cache Cache enable_cache disable_cache update_cache": f"caching is {_LATER}",
        "BudgetManager max_budget _current_cost": "budgets are not supported yet; `cost(response)` says what a call cost",
        "completion_with_retries acompletion_with_retries": "pass num_retries to completion or acompletion",
        "batch_completion batch_completion_models batch_completion_models_all_responses abatch_completion": (
            "gather acompletion calls with asyncio.gather"
        ),
        "RetryPolicy AllowedFailsPolicy": "pass the same names and numbers as a dict to Router",
        "LlmProviders provider_list": "dragoman.providers.Providers().names() has the names of all providers",
        "model_list models_by_provider": "model_cost has all models, and get_valid_models() those whose keys you have",
        "model_alias_map": "use Router(model_group_alias={...})",
        "model_fallbacks": "pass fallbacks to the call, or to Router",
        "modify_params": "set drop_params: it leaves out, and reports, what a provider cannot express",
        "_turn_on_debug verbose_logger _logging log_level print_verbose": (
            'set `dragoman.set_verbose = True`, or set up logging.getLogger("dragoman") yourself'
        ),
        "openai_key anthropic_key azure_key cohere_key replicate_key huggingface_key openrouter_key groq_key gemini_key": _KEY,
        "vertex_project vertex_location use_litellm_proxy proxy_auth secret_manager_client get_secret get_secret_str": _LATER,
        "get_secret_bool organization": _LATER,
        "client_session aclient_session disable_aiohttp_transport": "connections are pooled by Router; pass verify for TLS",
        "ssl_verify ssl_certificate": "pass verify to Router: False, or the path of a CA bundle",
        "use_client": "connections are always shared, by the calls of a Router",
        "encoding": "use encode and decode",
        "create_pretrained_tokenizer": "use create_tokenizer with the text of a tokenizer.json",
        "ChatCompletionToolParam ChatCompletionToolParamFunctionChunk ChatCompletionToolCallFunctionChunk": _DICTS,
        "ChatCompletionUserMessage ChatCompletionSystemMessage ChatCompletionAssistantMessage AllMessageValues": _DICTS,
        "ChatCompletionToolMessage ChatCompletionImageObject OpenAIMessageContent ToolParam": _DICTS,
        "trim_messages": "cost_bounds and token_counter say what a prompt takes; leave out older messages yourself",
        "function_to_dict": "pydantic's `TypeAdapter(function).json_schema()` describes a function's parameters",
        "get_optional_params ProviderConfigManager AnthropicConfig OpenAIConfig openAIGPT5Config": (
            "get_supported_openai_params says what a model takes"
        ),
        "check_valid_key": "call completion with max_tokens=1: AuthenticationError says that a key is refused",
        "get_api_base": "get_llm_provider gives the address of a model",
        "ahealth_check health_check": "use Router.astate, or completion with max_tokens=1",
        "add_function_to_prompt register_prompt_template custom_prompt_dict pre_call_rules post_call_rules": _LATER,
        "return_response_headers": 'headers are always there: response._hidden_params["headers"]',
        "anthropic google_genai": "run the gateway for the Anthropic and Gemini SDKs, or use completion",
    }
)


def instead_of(name: str) -> str:
    """What to use for a name of LiteLLM's; empty for any other name."""
    return next((hint for names, hint in _HINTS.items() if name in names.split()), "")


def absent(module: str, name: str, names: Iterable[str]) -> AttributeError:
    """Return the error for a name that a module does not have. `names` are those that it has."""
    hint = instead_of(name)
    remark = f"; {hint}" if hint else did_you_mean(name, names, cutoff=_SIMILARITY)
    return AttributeError(f"module {module!r} has no attribute {name!r}{remark}", name=name)


def warn_of_setting(name: str, settings: Iterable[str]) -> None:
    """Log that `dragoman.<name>` was set and is no setting, and what to use instead, or which of `settings` was meant."""
    import logging  # `import dragoman` needs none

    hint = instead_of(name)
    remark = f": {hint}" if hint else did_you_mean(name, settings, cutoff=_SIMILARITY)
    logging.getLogger("dragoman").warning("dragoman.%s is no setting, and has no effect%s", name, remark)
