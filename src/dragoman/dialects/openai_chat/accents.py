"""The accents that the recordings and the providers' references show, by family of providers. Data only.

`unsupported` holds only what a provider is known to refuse, or to ignore without a word although it means something.
Where nothing is known, a parameter passes, and the provider decides."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dragoman.dialects.openai_chat.accent import ChatAccent

__all__ = ["ACCENTS"]

_SEARCH_LOGS = ("logprobs", "top_logprobs", "logit_bias")
_PENALTIES = ("presence_penalty", "frequency_penalty")
_SOUND = ("audio", "modalities")
_NOT_COHERE = (*_SOUND, "store", "metadata", "logit_bias", "top_logprobs", "n", "prediction", "service_tier")
_OPENAI_ONLY = (*_SOUND, "store", "verbosity", "safety_identifier", "web_search_options")

_SHORT_ID = r"(?s).{1,40}"
"""`Expected a string with maximum length 40`: https://github.com/agno-agi/agno/issues/5382"""

_OPENAI = ChatAccent(
    unsupported=frozenset(("top_k", "input_type")),
    tokens_field="",
    sampling_params=("temperature", "top_p", "top_k", "logprobs", "top_logprobs", "logit_bias", *_PENALTIES),
    modalities=frozenset(("text", "audio")),
    developer_role=True,
    unsupported_parts=frozenset(("video_url",)),
    allowed_tools=True,
    tool_call_id=_SHORT_ID,
    id_length=64,
    reasoning_back="omit",
    search_models=("search-preview", "search-api"),
)

_MISTRAL = ChatAccent(
    # https://docs.mistral.ai/api: the body is closed, an unknown field is a 422. Its own fields, as mistralai 3.7 sends them,
    # hold `logprobs` (recorded: only some models refuse it), `top_k` and `prediction`.
    unsupported=frozenset((*_OPENAI_ONLY, "logit_bias", "user", "service_tier", "prompt_cache_key")),
    renamed={"seed": "random_seed"},
    max_temperature=1.5,
    stream_options=False,
    prefill="prefix",
    unsupported_parts=frozenset(("video_url",)),
    file="document_url",
    file_url=True,
    tool_media=True,
    names=False,  # a 422 too: https://github.com/nomtek/mistralai_client_dart/issues/44
    required_word="any",
    tool_call_id=r"[a-zA-Z0-9]{9}",  # "must be a-z, A-Z, 0-9, with a length of 9": https://github.com/nearai/ironclaw/issues/1241
    reasoning_back="thinking_parts",
)

_DEEPSEEK = ChatAccent(
    # Not in https://api-docs.deepseek.com/api/create-chat-completion, and unknown fields are ignored (recorded: `n`, `user`)
    unsupported=frozenset(("top_k", "logit_bias")),
    prefill="prefix",
    # deepseek-flash sees images since 4.1, deepseek-v4-pro refuses them: https://api-docs.deepseek.com/guides/vision
    unsupported_parts=frozenset(("input_audio", "video_url")),  # recorded: unknown variant `input_audio`
    file="",
    json_schema="json_object",
    json_schema_fallback="json_object",
    # "Thinking mode does not support this tool_choice": https://github.com/deepseek-ai/DeepSeek-V3/issues/1376
    forced_tools_reasoning=False,
    reasoning="thinking_effort",
)

_OPENROUTER = ChatAccent(
    id_length=128,  # https://github.com/ujisati/claude-code-provider-proxy/pull/11
    developer_role=True,
    tokens_field="",
    file_url=True,
    tool_media=True,
    reasoning="reasoning",
    reasoning_back="reasoning_details",
    cache_control=True,
)

_PLAIN = ChatAccent()
_REASONING = ChatAccent(reasoning_back="reasoning")

_ACCENTS: dict[str, ChatAccent] = {
    "openai": _OPENAI,
    "azure": _OPENAI,
    "copilot": ChatAccent(tokens_field="", tool_call_id=_SHORT_ID, id_length=64, reasoning_back="omit"),
    "groq": ChatAccent(
        # https://console.groq.com/docs/openai: a 400 for the first ones, for `n` above 1 and for names in messages.
        # https://console.groq.com/docs/api-reference: no model takes penalties, and `store` is not supported.
        # The body is closed (property 'x' is unsupported): https://github.com/fanenr/chatbot/issues/21
        unsupported=frozenset((*_SEARCH_LOGS, *_PENALTIES, "n", "store", "top_k")),
        names=False,
        developer_role=True,
        tokens_field="",
        file="",
        reasoning_back="reasoning",
        reasoning_tag="think",
        json_schema_fallback="json_object",
    ),
    "mistral": _MISTRAL,
    "deepseek": _DEEPSEEK,
    "xai": ChatAccent(
        # https://docs.x.ai/developers/rest-api-reference/inference/chat: `logit_bias` is "(Unsupported)". Every model since
        # grok-4 answers a penalty with a 400, even a 0: https://github.com/miaoxworld/NativeTavern/issues/83
        unsupported=frozenset(("logit_bias", *_PENALTIES)),
        tokens_field="",
    ),
    "openrouter": _OPENROUTER,
    "vercel-gateway": ChatAccent(
        tokens_field="", reasoning="reasoning", reasoning_back="reasoning_details", cache_control=True
    ),
    "snowflake": ChatAccent(
        tokens_field="max_completion_tokens", reasoning="reasoning", reasoning_back="reasoning_details"
    ),
    "perplexity": ChatAccent(
        # https://docs.perplexity.ai/api-reference/chat-completions-post; perplexityai 0.46 sends `logprobs`, `n` and `top_k`
        stream_options=False,  # usage comes unasked
        reasoning_back="omit",
        single_system=True,
        alternate=True,
        last_must_be_user=True,
        unsupported_parts=frozenset(("input_audio", "video_url")),
        file="file_url",
        file_url=True,
        tools=False,  # "Tool calling is not supported for this model": https://github.com/pipecat-ai/pipecat/pull/4862
        reasoning_tag="think",
    ),
    "cerebras": ChatAccent(
        # The body is closed (property 'body.x' is unsupported): https://github.com/anomalyco/opencode/issues/6648
        # Its fields, as cerebras-cloud-sdk 1.91 sends them, hold penalties, `logit_bias`, `parallel_tool_calls`,
        # `service_tier` and images, which were a 400 once.
        unsupported=frozenset(("top_k", "store", "verbosity", "modalities", "audio", "web_search_options")),
        tokens_field="max_completion_tokens",
        unsupported_parts=frozenset(("input_audio", "video_url")),
        file="",
        reasoning_back="reasoning",  # `reasoning_content` is a 400: https://github.com/egoist/chatwise-releases/issues/1442
    ),
    "together": ChatAccent(reasoning_back="reasoning"),
    # https://docs.fireworks.ai/api-reference/post-chatcompletions (fireworks-ai 1.2: `ChatMessage.reasoning_content`)
    "fireworks": ChatAccent(tokens_field=""),
    "huggingface": ChatAccent(tokens_field="", reasoning_back="omit", reasoning_tag="think"),
    "ollama": ChatAccent(
        # https://docs.ollama.com/api/openai-compatibility. A forced `tool_choice` may not be heeded (recorded: activeagent--
        # test-agent-common-format-tool-choice-specific-1), but helps where there is one tool, so it passes.
        unsupported=frozenset(("n", "logit_bias")),
        file="",
        reasoning_back="reasoning",
    ),
    "zai": ChatAccent(
        # zai-sdk 0.2.3 sends none of these: https://docs.z.ai/api-reference/llm/chat-completion
        unsupported=frozenset((*_SEARCH_LOGS, *_PENALTIES, "n")),
        forced_tools=False,  # "Tool choice must be auto": https://github.com/vectorize-io/hindsight/issues/4246
        max_temperature=1.0,
        reasoning="thinking_effort",
        json_schema="json_object",
        json_schema_fallback="json_object",
    ),
    "moonshot": ChatAccent(
        # https://platform.kimi.ai/docs/api/chat does not list it, and unknown fields are ignored
        unsupported=frozenset(("logit_bias",)),
        max_temperature=1.0,
        # "tool_choice 'required' is incompatible with thinking enabled": https://github.com/can1357/oh-my-pi/issues/1077
        forced_tools_reasoning=False,
        reasoning="thinking",
    ),
    "alibaba": ChatAccent(
        # "does not support being set to required or object in thinking mode": https://github.com/cloudwego/eino/issues/994
        forced_tools_reasoning=False,
        reasoning="enable_thinking",
        cache_control=True,
        json_schema_fallback="json_object",
    ),
    # https://docs.litellm.ai/docs/reasoning_content: the signatures are Anthropic's, wherever Claude is behind it
    "litellm": ChatAccent(reasoning_back="thinking_blocks", cache_control=True),
    # https://platform.xiaomimimo.com/docs/en-US/api/chat/openai-api; tools answer with text only:
    # https://github.com/XiaomiMiMo/MiMo/issues/44
    "xiaomi": ChatAccent(reasoning="thinking"),
    # https://platform.minimax.io/docs/guides/text-m2-function-call: the history keeps the reasoning where it stood
    "minimax": ChatAccent(
        reasoning="thinking", reasoning_switch="adaptive", reasoning_back="tagged", reasoning_tag="think"
    ),
    "venice": ChatAccent(tokens_field=""),
    "baseten": _PLAIN,
    "cloudflare": ChatAccent(file=""),
    "cohere": ChatAccent(
        # https://docs.cohere.com/docs/compatibility-api#unsupported-parameters, word by word (`dimensions` of embeddings)
        unsupported=frozenset((*_NOT_COHERE, "parallel_tool_calls", "dimensions")),
        reasoning_back="omit",
        developer_role=True,
        file="",
    ),
    "databricks": ChatAccent(
        stream_options=False, reasoning="budget", reasoning_back="omit", cache_control=True, file=""
    ),
    "doubleword": _PLAIN,
    "gpustack": _PLAIN,
    "llamacpp": ChatAccent(file=""),
    "mistralrs": _PLAIN,
    "crusoe": _REASONING,
    "openai-compatible": _REASONING,
    # https://dev.writer.com/api-reference/completion-api/chat-completion (writer-sdk 3.0): texts and images only
    "writer": ChatAccent(reasoning_back="omit", unsupported_parts=frozenset(("input_audio", "video_url")), file=""),
    "heroku": ChatAccent(reasoning="none", reasoning_back="omit", file=""),
    "watsonx": ChatAccent(file=""),
    "gemini": ChatAccent(
        unsupported=frozenset(("logit_bias", "service_tier", "store", "verbosity")),
        tokens_field="",
        tool_media=False,
        reasoning_back="omit",
        reasoning_tag="thought",
    ),
    "anthropic": ChatAccent(
        # https://platform.claude.com/docs/en/api/openai-sdk: these are ignored without a word
        unsupported=frozenset(
            (*_SEARCH_LOGS, *_PENALTIES, *_SOUND, "n", "seed", "service_tier", "prediction", "response_format", "store")
        ),
        tokens_field="",
        max_temperature=1.0,
        reasoning="budget",
        reasoning_back="omit",
        json_schema="tool",
        strict=False,
    ),
    "bedrock": ChatAccent(tokens_field="max_completion_tokens"),
    "bedrock-mantle": ChatAccent(tokens_field="max_completion_tokens", reasoning_back="reasoning"),
}

ACCENTS: Mapping[str, ChatAccent] = MappingProxyType(_ACCENTS)
"""Family -> accent."""
