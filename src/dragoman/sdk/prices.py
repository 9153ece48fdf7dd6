"""What a call cost, or will cost: in nano-dollars with all lines, and under LiteLLM's names in dollars."""

from __future__ import annotations

import datetime
import logging
import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from dragoman.dialects import openai_chat
from dragoman.errors import BadRequestError
from dragoman.litellm.model_rows import entry_from_mapping
from dragoman.models import cost_of, price_context
from dragoman.models.bounds import cost_bounds as _bounds
from dragoman.sdk._catalogue import CATALOGUE
from dragoman.sdk._request import build_call, plain
from dragoman.sdk.facts import model_entry, names_of, unknown_model
from dragoman.sdk.params import ChatParams
from dragoman.sdk.tokens import token_counter
from dragoman.types.cost import NANO_DOLLARS, Cost, CostBounds
from dragoman.types.model_entry import ModelEntry

if TYPE_CHECKING:
    from dragoman.sdk.params import Messages
from dragoman.types.operations import CHAT

__all__ = ["completion_cost", "cost", "cost_bounds", "cost_per_token", "response_cost_calculator"]

_log = logging.getLogger("dragoman")
_OUTPUT = frozenset(
    {"output", "reasoning", "citation", "output_audio", "output_image", "output_video", "image", "video_second"}
    | {"output_audio_second"}
)
"""The buckets of what a model produces; all others are what goes in."""


def cost(
    answer: Any,
    model: str | None = None,
    *,
    custom_llm_provider: str | None = None,
    at: datetime.datetime | None = None,
    context: Mapping[str, str] | None = None,
) -> Cost:
    """Return what a call cost, with its lines: `answer` is a response, a stream that has ended, or a usage in OpenAI's shape.

    Without `model` it is the cost that its call was given, by the prices of its deployment; with `model` that of another
    model. `at` is when it was made (now), `context` of what kind it was (`{"service_tier": "flex"}`; as the answer says).
    `total` is None where nothing is known of the model's prices. Raises `BadRequestError` where no usage or model is told."""
    hidden = _hidden(answer)
    lines = hidden.get("cost")
    if model is None and isinstance(lines, Cost) and at is None and context is None:
        return lines
    usage = _usage(answer)
    if usage is None:
        raise BadRequestError(f"a {type(answer).__name__} tells no usage", param="answer", code="invalid_type")
    if context is None:
        context = price_context(usage, _request_like(answer))
    return cost_of(usage, _row(answer, model, custom_llm_provider), at=at, context=context)


def cost_bounds(model: str, messages: Messages, **params: Unpack[ChatParams]) -> CostBounds:
    """Return the least and the most that a chat can cost, before it is made: in nano-dollars, None where unknown.

    Takes the parameters of `completion`; `max_tokens` and its like limit the answer."""
    given: Mapping[str, Any] = params
    request = build_call(CHAT, model, {"messages": messages}, given, read=openai_chat.CODEC.read_request, defaults={})
    provider, name = names_of(model, request.call.options.custom_llm_provider)
    entry = model_entry(model, request.call.options.custom_llm_provider)
    return _bounds(request.call.request, entry, provider=provider, model=name)


def completion_cost(
    completion_response: Any = None,
    model: str | None = None,
    prompt: str = "",
    messages: Messages | None = None,
    completion: str = "",
    total_time: float | None = 0.0,
    call_type: str | None = None,
    custom_llm_provider: str | None = None,
    region_name: str | None = None,
    size: str | None = None,
    quality: str | None = None,
    n: int | None = None,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: float | None = None,
    optional_params: Mapping[str, Any] | None = None,
    custom_pricing: bool | None = None,
    base_model: str | None = None,
    *,
    service_tier: str | None = None,
    **_: Any,
) -> float:
    """Return the dollars that a response cost, or that `prompt` (or `messages`) and `completion` would cost at `model`.

    The response's own provider, model, usage and service tier count, but for what is said beside it. `total_time` is in
    milliseconds. Further arguments of LiteLLM's function are accepted. Raises `BadRequestError` naming the model where its
    price is not known. See `cost` for exact amounts with their lines."""
    values = _CostArguments(
        model, custom_llm_provider, base_model, custom_cost_per_token, custom_cost_per_second, service_tier
    )
    if custom_cost_per_second is not None:
        return _by_time(custom_cost_per_second, total_time)
    usage = _usage(completion_response)
    if usage is not None and not values.anything:
        result = cost(completion_response)
        return _nano_dollars(result, *_model_of(completion_response, None, None)) / NANO_DOLLARS
    name, provider = _model_of(completion_response, model, custom_llm_provider)
    if usage is None:
        usage = {
            "prompt_tokens": token_counter(name, text=prompt or None, messages=messages) if prompt or messages else 0,
            "completion_tokens": token_counter(name, text=completion) if completion else 0,
        }
    counts = _counts(call_type or "", size, n, prompt, total_time)
    result = _priced(usage, values, completion_response, counts)
    return _nano_dollars(result, name, provider) / NANO_DOLLARS


def cost_per_token(
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    response_time_ms: float | None = 0.0,
    custom_llm_provider: str | None = None,
    region_name: str | None = None,
    prompt_characters: int | None = None,
    completion_characters: int | None = None,
    cache_creation_input_tokens: int | None = 0,
    cache_read_input_tokens: int | None = 0,
    custom_cost_per_token: Mapping[str, float] | None = None,
    custom_cost_per_second: float | None = None,
    number_of_queries: int | None = None,
    call_type: str = "completion",
    audio_transcription_file_duration: float = 0.0,
    usage_object: Any = None,
    *,
    service_tier: str | None = None,
    **_: Any,
) -> tuple[float, float]:
    """The dollars for so many tokens in, and so many out. `prompt_tokens` include those of a cache, as OpenAI counts.

    `usage_object` is a whole usage instead. Raises `BadRequestError` naming the model where its price is not known."""
    values = _CostArguments(model, custom_llm_provider, None, custom_cost_per_token, None, service_tier)
    if custom_cost_per_second is not None:
        return 0.0, _by_time(custom_cost_per_second, response_time_ms)
    usage = _usage(usage_object) or {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "prompt_tokens_details": {
            "cached_tokens": cache_read_input_tokens or 0,
            "cache_creation_tokens": cache_creation_input_tokens or 0,
        },
    }
    counts = {
        "input_character": prompt_characters or 0,
        "input_audio_second": math.ceil(audio_transcription_file_duration),
        "rerank_search": number_of_queries or 0,
    }
    result = _priced(usage, values, None, counts)
    total = _nano_dollars(result, model, custom_llm_provider)
    output = sum(line.amount for line in result.lines if line.bucket in _OUTPUT)
    return (total - output) / NANO_DOLLARS, output / NANO_DOLLARS


def response_cost_calculator(
    response_object: Any,
    model: str,
    custom_llm_provider: str | None = None,
    call_type: str = "completion",
    optional_params: Mapping[str, Any] | None = None,
    cache_hit: bool | None = None,
    base_model: str | None = None,
    **more: Any,
) -> float:
    """The dollars of a response; nothing where it came from our own cache. See `completion_cost`."""
    if cache_hit:
        return 0.0
    return completion_cost(
        response_object,
        model,
        call_type=call_type,
        custom_llm_provider=custom_llm_provider,
        base_model=base_model,
        **more,
    )


class _CostArguments(NamedTuple):
    """What a caller says beside a response, or instead of one."""

    model: str | None
    provider: str | None
    base_model: str | None
    prices: Mapping[str, float] | None
    per_second: float | None
    service_tier: str | None

    @property
    def anything(self) -> bool:
        return any(value for value in self) or self.prices is not None


def _priced(usage: Mapping[str, Any], values: _CostArguments, answer: Any, counts: Mapping[str, int]) -> Cost:
    if values.prices is not None:
        name, provider = _model_of(answer, values.model, values.provider)
        entry: ModelEntry | None = entry_from_mapping(
            values.prices,
            provider=provider or "custom",
            model=name,
            source="custom_cost_per_token",
            path="custom_cost_per_token",
            error=BadRequestError,
        )
    elif values.base_model:
        entry = model_entry(values.base_model) or model_entry(values.base_model, values.provider)
    else:
        entry = _row(answer, values.model, values.provider)
    if values.service_tier:
        usage = {**usage, "service_tier": values.service_tier}
    return cost_of(usage, entry, context=price_context(usage, _request_like(answer)), counts=counts)


def _row(answer: Any, model: str | None, provider: str | None) -> ModelEntry | None:
    """The row of the model that is meant. What an answer names is its provider's own name, as it stands."""
    name, home = _model_of(answer, model, provider)
    own = CATALOGUE.find(home, name) if home and not model else None
    return own or model_entry(name, home)


def _nano_dollars(result: Cost, model: str, provider: str | None) -> int:
    """The whole cost, or else what the provider itself says. Raises `BadRequestError` where neither is known."""
    if result.total is not None:
        if result.unpriced:
            _log.warning("%s: the cost is without %s: no price is known", result.model, ", ".join(result.unpriced))
        return result.total
    if result.reported is not None:
        return result.reported
    if not result.model:
        unknown = unknown_model(model, provider)
        why, shown = f"no price is known: {unknown.message.partition('; ')[0]}", unknown.provider
    else:
        what = f" for {', '.join(result.unpriced)}" if result.unpriced else ""
        why, shown = f"no price of the model {result.model!r} is known{what}", result.model.partition("/")[0]
    raise BadRequestError(
        f"{why}; dragoman.register_model gives it one",
        param="model",
        model=model,
        provider=shown,
        code="model_without_pricing",
    )


def _by_time(per_second: float, milliseconds: float | None) -> float:
    """Dollars, to the nano-dollar."""
    try:
        amount = Decimal(str(per_second)) * Decimal(str(milliseconds or 0)) / 1000
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or amount < 0:
        raise BadRequestError(
            f"custom_cost_per_second: expected dollars as a number, got {per_second!r}", param="custom_cost_per_second"
        )
    return int((amount * NANO_DOLLARS).to_integral_value(ROUND_HALF_UP)) / NANO_DOLLARS


def _counts(call_type: str, size: str | None, n: int | None, prompt: str, total_time: float | None) -> dict[str, int]:
    """What is paid beside tokens, by LiteLLM's name of the call."""
    kind = call_type.removeprefix("a") if call_type.startswith(("aimage", "aspeech", "atranscription")) else call_type
    if kind in ("image_generation", "image_edit"):
        pixels = math.prod(int(side) for side in size.replace("-", "").split("x") if side.isdecimal()) if size else 0
        return {"image": n or 1, "input_pixel": pixels * (n or 1)}
    if kind == "speech":
        return {"input_character": len(prompt)}
    if kind == "transcription":
        return {"input_audio_second": math.ceil((total_time or 0) / 1000)}
    return {}


def _model_of(answer: Any, model: str | None, provider: str | None) -> tuple[str, str | None]:
    """Return the model, and its provider where that is given."""
    if model:
        return model, provider
    hidden = _hidden(answer)
    named = hidden.get("model") or _field(answer, "model")
    if not isinstance(named, str) or not named:
        raise BadRequestError("model: whose prices count is not said", param="model", code="invalid_type")
    return named, provider or hidden.get("custom_llm_provider")


def _hidden(answer: Any) -> Mapping[str, Any]:
    hidden = getattr(answer, "_hidden_params", None)
    return hidden if isinstance(hidden, Mapping) else {}


def _field(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, Mapping) else getattr(answer, name, None)


def _request_like(answer: Any) -> dict[str, Any]:
    """What an answer says beside its usage of the kind of call that it was."""
    tier = _field(answer, "service_tier")
    return {"service_tier": tier} if isinstance(tier, str) else {}


def _usage(answer: Any) -> dict[str, Any] | None:
    """The usage of a response, or the usage itself, as plain values."""
    if answer is None or isinstance(answer, (str, bytes, Sequence)):
        return None
    result = _field(answer, "usage")
    if result is None and (_field(answer, "prompt_tokens") is not None or _field(answer, "total_tokens") is not None):
        result = answer
    usage = plain(result)
    return {name: value for name, value in usage.items() if value is not None} if isinstance(usage, Mapping) else None
