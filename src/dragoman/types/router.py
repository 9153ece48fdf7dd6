"""A deployment of a `Router` as code reads and writes it: the entry of a model list, with attribute access. The names are
LiteLLM's. This module imports pydantic, so it is imported on first use only."""

from __future__ import annotations

from dragoman.types.results import Record

__all__ = ["Deployment", "LiteLLM_Params", "ModelGroupInfo", "ModelInfo"]


class LiteLLM_Params(Record):  # noqa: N801
    """How the model is reached, with the settings of the deployment and the defaults of its requests."""

    model: str
    api_key: str | None = None
    api_base: str | None = None
    api_version: str | None = None
    custom_llm_provider: str | None = None
    timeout: float | None = None
    stream_timeout: float | None = None
    num_retries: int | None = None
    order: int | None = None
    weight: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    itpm: int | None = None
    otpm: int | None = None
    max_parallel_requests: int | None = None
    tags: list[str] | None = None


class ModelInfo(Record):
    """Facts about it, and whatever else is worth keeping."""

    id: str | None = None


class Deployment(Record):
    """What a router hands out holds no key, address or header."""

    model_name: str
    litellm_params: LiteLLM_Params
    model_info: ModelInfo = ModelInfo()


class ModelGroupInfo(Record):
    """What holds whichever deployment of a name answers; the highest prices in dollars, and all limits together.
    None: not known, or without a limit."""

    model_group: str
    providers: list[str]
    mode: str | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    tpm: int | None = None
    rpm: int | None = None
    supports_vision: bool | None = None
    supports_function_calling: bool | None = None
    supports_reasoning: bool | None = None
    supported_openai_params: list[str] | None = None
