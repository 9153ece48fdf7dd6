"""The accents that the recordings show, by family of providers. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.dialects.openai_chat._accent import Accent

__all__ = ["ACCENTS"]

_SEARCH_LOGS = ("logprobs", "top_logprobs", "logit_bias")
_PENALTIES = ("presence_penalty", "frequency_penalty")
_OPENAI_ONLY = ("store", "verbosity", "modalities", "audio", "safety_identifier", "web_search_options")
_MEDIA = ("image_url", "input_audio", "file", "video_url")

_OPENAI = Accent(
    unsupported=frozenset(("top_k", "input_type")),
    tokens_field="",
    sampling_params=("temperature", "top_p", "top_k", "logprobs", "top_logprobs", "logit_bias", *_PENALTIES),
    modalities=frozenset(("text", "audio")),
    developer_role=True,
    unsupported_parts=frozenset(("video_url",)),
    allowed_tools=True,
    search_models=("search-preview", "search-api"),
)

_MISTRAL = Accent(
    # https://docs.mistral.ai/api: the body is closed, an unknown field is a 422
    unsupported=frozenset((*_SEARCH_LOGS, *_OPENAI_ONLY, "top_k", "user", "service_tier", "stream_options")),
    renamed={"seed": "random_seed"},
    max_temperature=1.5,
    stream_options=False,
    prefill="prefix",
    unsupported_parts=frozenset(("video_url",)),
    file="document_url",
    file_url=True,
    tool_media=True,
    required_word="any",
    reasoning_back="thinking_parts",
)

_DEEPSEEK = Accent(
    unsupported=frozenset(("top_k", "logit_bias")),
    prefill="prefix",
    unsupported_parts=frozenset(_MEDIA),  # recorded: unknown variant `image_url`, expected `text`
    file="",
    json_schema="json_object",
    json_schema_fallback="json_object",
    reasoning="thinking_effort",
    reasoning_back="reasoning_content",
)

_OPENROUTER = Accent(
    developer_role=True,
    tokens_field="",
    file_url=True,
    tool_media=True,
    reasoning="reasoning",
    reasoning_back="reasoning_details",
    cache_control=True,
)

_REASONING_CONTENT = Accent(reasoning_back="reasoning_content")
_REASONING = Accent(reasoning_back="reasoning")

_ACCENTS: dict[str, Accent] = {
    "openai": _OPENAI,
    "azure": _OPENAI,
    "copilot": Accent(tokens_field=""),
    "groq": Accent(
        unsupported=frozenset((*_SEARCH_LOGS, "top_k", "n")),
        tokens_field="",
        file="",
        reasoning_back="reasoning",
        reasoning_tag="think",
        json_schema_fallback="json_object",
    ),
    "mistral": _MISTRAL,
    "deepseek": _DEEPSEEK,
    "xai": Accent(
        unsupported=frozenset(("logit_bias", "top_k")),
        tokens_field="",
        reasoning_back="reasoning_content",
    ),
    "openrouter": _OPENROUTER,
    "vercel-gateway": Accent(
        tokens_field="", reasoning="reasoning", reasoning_back="reasoning_details", cache_control=True
    ),
    "snowflake": Accent(
        tokens_field="max_completion_tokens", reasoning="reasoning", reasoning_back="reasoning_details"
    ),
    "perplexity": Accent(
        # https://docs.perplexity.ai/api-reference/chat-completions-post
        unsupported=frozenset((*_SEARCH_LOGS, "n", "seed", "parallel_tool_calls", "tool_choice")),
        stream_options=False,
        single_system=True,
        alternate=True,
        last_must_be_user=True,
        unsupported_parts=frozenset(("input_audio", "video_url")),
        file="file_url",
        file_url=True,
        tools=False,
        reasoning_tag="think",
    ),
    "cerebras": Accent(
        # https://inference-docs.cerebras.ai/resources/openai: these are a 400
        unsupported=frozenset((*_PENALTIES, "logit_bias", "parallel_tool_calls", "service_tier", "top_k")),
        tokens_field="max_completion_tokens",
        unsupported_parts=frozenset(_MEDIA),
        file="",
        reasoning_back="reasoning",
    ),
    "together": Accent(reasoning_back="reasoning"),
    "huggingface": Accent(tokens_field="", reasoning_tag="think"),
    "ollama": Accent(unsupported=frozenset(("n", "logit_bias")), file="", reasoning_back="reasoning"),
    "zai": Accent(
        unsupported=frozenset((*_SEARCH_LOGS, *_PENALTIES, "n")),
        max_temperature=1.0,
        reasoning="thinking_effort",
        reasoning_back="reasoning_content",
        json_schema="json_object",
        json_schema_fallback="json_object",
    ),
    "moonshot": Accent(
        unsupported=frozenset(("logit_bias",)),
        max_temperature=1.0,
        reasoning="thinking",
        reasoning_back="reasoning_content",
    ),
    "alibaba": Accent(
        reasoning="enable_thinking",
        reasoning_back="reasoning_content",
        cache_control=True,
        json_schema_fallback="json_object",
    ),
    "venice": Accent(tokens_field="", reasoning_back="reasoning_content"),
    "baseten": _REASONING_CONTENT,
    "cloudflare": Accent(unsupported=frozenset(("n", *_SEARCH_LOGS)), file=""),
    "cohere": Accent(
        # https://docs.cohere.com/docs/compatibility-api
        unsupported=frozenset(
            (*_OPENAI_ONLY, "logit_bias", "top_logprobs", "n", "service_tier", "parallel_tool_calls")
        ),
        file="",
    ),
    "databricks": Accent(stream_options=False, reasoning="budget", cache_control=True, file=""),
    "doubleword": _REASONING_CONTENT,
    "gpustack": _REASONING_CONTENT,
    "llamacpp": Accent(reasoning_back="reasoning_content", file=""),
    "mistralrs": _REASONING_CONTENT,
    "crusoe": _REASONING,
    "openai-compatible": _REASONING,
    "writer": Accent(unsupported=frozenset(("seed", *_PENALTIES, "logit_bias")), file=""),
    "heroku": Accent(reasoning="none", file=""),
    "watsonx": Accent(file=""),
    "gemini": Accent(
        unsupported=frozenset(("logit_bias", "service_tier", "store", "verbosity")),
        tokens_field="",
        tool_media=False,
        reasoning_tag="thought",
    ),
    "anthropic": Accent(
        # https://platform.claude.com/docs/en/api/openai-sdk: these are ignored without a word
        unsupported=frozenset(
            (*_SEARCH_LOGS, *_PENALTIES, "n", "seed", "service_tier", "prediction", "response_format")
        ),
        tokens_field="",
        max_temperature=1.0,
        reasoning="budget",
        json_schema="tool",
        strict=False,
    ),
    "bedrock": Accent(tokens_field="max_completion_tokens"),
    "bedrock-mantle": Accent(tokens_field="max_completion_tokens", reasoning_back="reasoning"),
}

ACCENTS: Mapping[str, Accent] = MappingProxyType(_ACCENTS)
"""Family -> accent."""
