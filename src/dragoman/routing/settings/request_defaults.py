"""Check the parameters that a deployment sets for its calls, by the reader that checks those of a call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dragoman.dialects import openai_chat
from dragoman.dialects.codec import RequestHints
from dragoman.errors import BadRequestError
from dragoman.routing.settings.options import Problem
from dragoman.settings.readers import Environment, as_boolean, as_number
from dragoman.types.operations import CHAT
from dragoman.types.request_params import ALL_PARAMS, REQUEST_PARAMS

__all__ = ["param_problems", "typed_params"]

_CHAT: Mapping[str, Any] = {"model": "model", "messages": [{"role": "user", "content": "Hello"}]}


def typed_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with those of the environment, where everything is text, as the numbers and booleans that they are."""
    return {name: _typed(name, value) if isinstance(value, Environment) else value for name, value in params.items()}


def _typed(name: str, value: Environment) -> Any:
    types = ALL_PARAMS[name].types if name in ALL_PARAMS else ()
    if bool in types:
        truth = as_boolean(value)
        return str(value) if truth is None else truth
    amount = as_number(value) if int in types or float in types else None
    if amount is None:
        return str(value)
    return int(amount) if int in types and amount == int(amount) else amount


def param_problems(params: Mapping[str, Any], path: str) -> Iterator[Problem]:
    """Yield a problem for each parameter that would be refused in a call."""
    for name, value in params.items():
        if value is None or name in _CHAT or _is_of_another_operation(name, value):
            continue
        try:
            openai_chat.CODEC.read_request({**_CHAT, name: value}, RequestHints())
        except BadRequestError as error:
            where, _, message = error.message.partition(": ")
            yield Problem(f"{path}.{where}", message) if message else Problem(f"{path}.{name}", where)


def _is_of_another_operation(name: str, value: Any) -> bool:
    """Whether a text completion or an embedding takes this value, and a chat another type: `logprobs`."""
    chat = REQUEST_PARAMS[CHAT.name].get(name)
    if chat is not None and type(value) in chat.types:
        return False
    others = (params[name] for operation, params in REQUEST_PARAMS.items() if operation != CHAT.name and name in params)
    return any(type(value) in param.types for param in others)
