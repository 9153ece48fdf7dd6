"""The parameters of a call, by name and type. Others are passed to the provider as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

if TYPE_CHECKING:
    from pydantic import BaseModel

    Messages: TypeAlias = Iterable[Mapping[str, Any] | BaseModel]
    """OpenAI's messages: dicts, or the message objects of earlier results."""

__all__ = ["CallParams", "ChatParams", "EmbeddingParams", "TextParams"]


class CallParams(TypedDict, total=False):
    """What every call takes beside its request. Times are seconds."""

    api_key: str | None
    """For the provider that the call names; other providers, as fallbacks, never get it."""
    api_base: str | None
    base_url: str | None
    """The same as `api_base`."""
    api_version: str | None
    custom_llm_provider: str | None
    """The provider, where `model` does not name it."""
    timeout: float | None
    """The whole call, retries and fallbacks included."""
    stream_timeout: float | None
    """To the first content of a stream, in each attempt."""
    connect_timeout: float | None
    idle_timeout: float | None
    num_retries: int | None
    max_retries: int | None
    """The same as `num_retries`."""
    fallbacks: Sequence[str | Mapping[str, Any]] | None
    """Models, or objects with `model` and parameters of their own, tried in order when the first fails."""
    drop_params: bool | None
    additional_drop_params: Sequence[str] | None
    allowed_openai_params: Sequence[str] | None
    extra_headers: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    """The same as `extra_headers`."""
    extra_body: Mapping[str, Any] | None
    """Merged into the provider's body as it stands."""
    extra_query: Mapping[str, str] | None
    metadata: Mapping[str, Any] | None
    """For your own listeners; goes to OpenAI with `store=True` only, as its API has it."""
    mock_response: Any
    """Answer with this instead of asking a provider: a text, a response, an exception or its name."""
    mock_tool_calls: Sequence[Mapping[str, Any]] | None
    mock_delay: float | None
    mock_timeout: bool | None
    """Fail with `Timeout` at once, without asking the model."""
    base_model: str | None
    """Whose prices and facts count where the model's own name says nothing, e.g. `azure/gpt-6.1-sol`."""
    input_cost_per_token: float | str | None
    """US dollars, instead of what the catalogue says; so too LiteLLM's other price names."""
    output_cost_per_token: float | str | None
    user: str | None


class ChatParams(CallParams, total=False):
    """OpenAI's chat parameters, with `thinking` and other common ones."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    n: int | None
    stop: str | Sequence[str] | None
    max_tokens: int | None
    max_completion_tokens: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    seed: int | None
    stream_options: Mapping[str, Any] | None
    response_format: type[BaseModel] | Mapping[str, Any] | None
    """OpenAI's object, or a pydantic class whose schema the answer must follow."""
    tools: Iterable[Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None
    parallel_tool_calls: bool | None
    functions: Iterable[Mapping[str, Any]] | None
    function_call: str | Mapping[str, Any] | None
    modalities: Sequence[str] | None
    audio: Mapping[str, Any] | None
    prediction: Mapping[str, Any] | None
    reasoning_effort: str | None
    """none, minimal, low, medium, high, xhigh, max or default."""
    thinking: Mapping[str, Any] | None
    """Anthropic's words: `{"type": "enabled", "budget_tokens": N}`, `{"type": "adaptive"}` or `{"type": "disabled"}`."""
    verbosity: str | None
    web_search_options: Mapping[str, Any] | None
    service_tier: str | None
    store: bool | None
    safety_identifier: str | None
    prompt_cache_key: str | None
    prompt_cache_retention: str | None
    safety_settings: Sequence[Mapping[str, Any]] | None
    cached_content: str | None


class TextParams(CallParams, total=False):
    """OpenAI's parameters of the older text completions."""

    suffix: str | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    n: int | None
    best_of: int | None
    echo: bool | None
    logprobs: int | None
    logit_bias: Mapping[str, float] | None
    presence_penalty: float | None
    frequency_penalty: float | None
    stop: str | Sequence[str] | None
    seed: int | None
    stream_options: Mapping[str, Any] | None


class EmbeddingParams(CallParams, total=False):
    dimensions: int | None
    encoding_format: str | None
    """float or base64."""
    input_type: str | None
    """What the vectors are for: query, document, or a provider's own word."""
