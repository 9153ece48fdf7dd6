"""What a user wrote into a call of the router: values made plain, options cut off, the request checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from dragoman.dialects._dialect import Operation, RequestHints
from dragoman.errors import BadRequestError
from dragoman.routing import Call, CallOptions
from dragoman.routing._options import split
from dragoman.routing._stored_metadata import stored_metadata
from dragoman.sdk._schema import response_format_of

__all__ = ["Asked", "ask", "plain"]

_Read = Callable[[dict[str, Any], RequestHints], Any]


class Asked(NamedTuple):
    call: Call
    include_usage: bool
    """Whether a stream shows its usage chunk."""
    ignored: tuple[str, ...]
    """Known parameters that do nothing yet."""


def ask(
    operation: Operation,
    model: str,
    body: Mapping[str, Any],
    params: Mapping[str, Any],
    *,
    read: _Read,
    defaults: Mapping[str, Any],
    stream: bool = False,
) -> Asked:
    """The call for `body` (what is asked) and `params` (everything else that was said). Raises `BadRequestError` naming the
    parameter at fault."""
    parts = split({**defaults, **{name: value for name, value in params.items() if value is not None}})
    for path, message in parts.problems:
        raise BadRequestError(f"{path}: {message}", param=path, model=model, code="invalid_type")
    said = {name: plain(value) for name, value in {**body, **parts.rest}.items() if value is not None}
    format_class = parts.rest.get("response_format")
    if isinstance(format_class, type):
        if not callable(getattr(format_class, "model_json_schema", None)):
            raise BadRequestError(
                f"response_format: expected an object or a pydantic class, got the class {format_class.__name__}",
                param="response_format",
                model=model,
                code="invalid_type",
            )
        said["response_format"] = response_format_of(format_class)
    if said.get("store") and parts.options.get("metadata"):
        said["metadata"] = stored_metadata(parts.options["metadata"])
    if not isinstance(model, str):
        raise BadRequestError(
            f"model: expected a string, got {type(model).__name__}", param="model", code="invalid_type"
        )
    if stream:
        said["stream"] = True
    request = read({**said, "model": model}, RequestHints())
    call = Call(operation=operation, model=model, request=request, stream=stream, options=CallOptions(**parts.options))
    include = said.get("stream_options")
    return Asked(call, isinstance(include, dict) and bool(include.get("include_usage")), tuple(parts.later))


def plain(value: Any) -> Any:
    """Plain JSON values: message objects become dicts as they came, other iterables lists."""
    if value is None or (isinstance(value, (str, int, float, bool, bytes)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, type):
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return _dumped(value, dump)
    if isinstance(value, Enum):
        return value.value
    return [plain(item) for item in value] if isinstance(value, Iterable) else value


def _dumped(value: Any, dump: Callable[..., Any]) -> Any:
    """Only what was set, so that a message goes back to the provider as it came."""
    dumped = dump(exclude_unset=True)
    if hasattr(value, "role"):
        dumped.setdefault("role", value.role)
    return {name: item for name, item in dumped.items() if item is not None or name == "content"}
