"""The router's answers as typed results."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dragoman.errors import APIResponseValidationError
from dragoman.routing import Answer, StreamAnswer
from dragoman.sdk._request import BuiltCall
from dragoman.types.call_record import answering_attempt
from dragoman.types.cost import NANO_DOLLARS
from dragoman.types.results import Result

__all__ = ["costs", "hidden_params", "result_of", "typed"]

ResultT = TypeVar("ResultT", bound=Result)
RecordT = TypeVar("RecordT", bound=BaseModel)


def result_of(kind: type[ResultT], answer: Answer | StreamAnswer, request: BuiltCall) -> ResultT:
    """The whole answer as a `kind`."""
    assert isinstance(answer, Answer)
    result = typed(kind, answer.response, answer)
    result._hidden_params.update(hidden_params(answer, request))
    return result


def typed(kind: type[RecordT], value: Any, answer: Answer | StreamAnswer) -> RecordT:
    """Raises `APIResponseValidationError` for a value of another shape."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise APIResponseValidationError(
            f"{answer.provider} answered with another shape at {path}: {first['msg']}",
            provider=answer.provider,
            model=answer.model,
        ) from error


def hidden_params(answer: Answer | StreamAnswer, request: BuiltCall) -> dict[str, Any]:
    """What is known about the call, under names that LiteLLM's users know where there are such."""
    built = answering_attempt(answer.attempts)
    return {
        "model_id": built.deployment if built is not None else None,
        "model": answer.model,
        "provider": answer.provider,
        "custom_llm_provider": answer.provider,
        "attempts": answer.attempts,
        "fallback": answer.fallback or None,
        "dropped_params": answer.dropped,
        "ignored_params": request.ignored,
        "headers": dict(answer.headers),
        "additional_headers": {f"llm_provider-{name}": value for name, value in answer.headers.items()},
        "request_id": request.call.request_id,
        **costs(answer),
    }


def costs(answer: Answer | StreamAnswer) -> dict[str, Any]:
    """What the call cost: in US dollars under LiteLLM's name (None: unpriced, or not known yet), and the whole record."""
    cost = answer.cost
    total = None if cost is None else cost.total
    return {"response_cost": None if total is None else total / NANO_DOLLARS, "cost": cost}
