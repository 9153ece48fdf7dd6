"""The path at which LiteLLM's users import these names."""

from __future__ import annotations

from typing import NoReturn

from dragoman.litellm.unsupported import absent
from dragoman.sdk.facts import (
    get_max_tokens,
    get_model_info,
    get_valid_models,
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
from dragoman.sdk.models import get_llm_provider, get_supported_openai_params, validate_environment
from dragoman.sdk.registry import register_model
from dragoman.sdk.streams import CustomStreamWrapper
from dragoman.sdk.tokens import create_tokenizer, decode, encode, token_counter
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
    Usage,
)

__all__ = [
    "ChatCompletionMessageToolCall",
    "Choices",
    "CustomStreamWrapper",
    "Delta",
    "EmbeddingResponse",
    "Function",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "StreamingChoices",
    "TextChoices",
    "TextCompletionResponse",
    "Usage",
    "create_tokenizer",
    "decode",
    "encode",
    "get_llm_provider",
    "get_max_tokens",
    "get_model_info",
    "get_supported_openai_params",
    "get_valid_models",
    "register_model",
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
    "token_counter",
    "validate_environment",
]


def __getattr__(name: str) -> NoReturn:
    raise absent(__name__, name, __all__)
