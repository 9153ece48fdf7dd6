"""What a user wrote into a call of the router: values made plain, options cut off, the request checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from dragoman.dialects.codec import RequestHints
from dragoman.errors import BadRequestError
from dragoman.routing import Call, CallOptions
from dragoman.routing.settings.options import split_params
from dragoman.routing.settings.stored_metadata import stored_metadata
from dragoman.sdk._schema import response_format_of
from dragoman.types.operations import Operation

__all__ = ["BuiltCall", "build_call", "plain"]

_Read = Callable[[dict[str, Any], RequestHints], Any]


class BuiltCall(NamedTuple):
    call: Call
    include_usage: bool
    """Whether a stream shows its usage chunk."""
    ignored: tuple[str, ...]
    """Known parameters that do nothing yet."""


def build_call(
    operation: Operation,
    model: str,
    body: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    read: _Read,
    defaults: Mapping[str, Any],
    stream: bool = False,
) -> BuiltCall:
    """Build the call of `body` (the request's own fields) and `params` (all other parameters). Raise `BadRequestError` naming the
    parameter at fault."""
    parts = split_params({**defaults, **{name: value for name, value in params.items() if value is not None}})
    for path, message in parts.problems:
        raise BadRequestError(f"{path}: {message}", param=path, model=model, code="invalid_type")
    values = {name: plain(value) for name, value in {**body, **parts.rest}.items() if value is not None}
    if isinstance(parts.rest.get("response_format"), type):
        values["response_format"] = _response_format(parts.rest["response_format"], model)
    if values.get("store") and parts.options.get("metadata"):
        values["metadata"] = stored_metadata(parts.options["metadata"]) or None
    if not isinstance(model, str):
        raise BadRequestError(
            f"model: expected a string, got {type(model).__name__}", param="model", code="invalid_type"
        )
    if stream:
        values["stream"] = True
    request = read({**values, "model": model}, RequestHints())
    if "extra_body" in parts.options:
        parts.options["extra_body"] = plain(parts.options["extra_body"])
    call = Call(operation=operation, model=model, request=request, stream=stream, options=CallOptions(**parts.options))
    include = values.get("stream_options")
    return BuiltCall(call, isinstance(include, dict) and bool(include.get("include_usage")), tuple(parts.ignored))


def _response_format(format_class: type[Any], model: str) -> dict[str, Any]:
    if not callable(getattr(format_class, "model_json_schema", None)):
        raise BadRequestError(
            f"response_format: expected an object or a pydantic class, got the class {format_class.__name__}",
            param="response_format",
            model=model,
            code="invalid_type",
        )
    return response_format_of(format_class)


def plain(value: Any) -> Any:
    """Plain JSON values: the objects of SDKs (pydantic models, dataclasses) become dicts, other iterables lists."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float, bool, bytes, type)):
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    fields = _fields(value)
    if fields is not None:
        return plain(fields)
    return [plain(item) for item in value] if isinstance(value, Iterable) else value


def _fields(value: Any) -> dict[str, Any] | None:
    """The fields of an object, defaults included: the `type` of a content part is nearly always one. Fields that are None are
    left out, as openai's objects have all that a provider may say; None for what is no object of fields."""
    if callable(dump := getattr(value, "model_dump", None)):
        # `__api_exclude__`: what openai's own SDK does not send either, such as `parsed`.
        hidden = getattr(value, "__api_exclude__", None)
        dumped = dump(by_alias=True, exclude_none=True, warnings=False, exclude=hidden)
    elif dataclasses.is_dataclass(value):
        dumped = {
            field.name: item for field in dataclasses.fields(value) if (item := getattr(value, field.name)) is not None
        }
    else:
        return None
    return {**dumped, "content": None} if getattr(value, "content", "") is None else dumped
