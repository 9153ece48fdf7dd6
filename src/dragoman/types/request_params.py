"""The parameters of requests, in one table: type, neutral values, a sample, and the ability that a model needs for them.

A parameter is added here, in the tables of the dialects, and in the two lists that type checkers read (`ChatRequest` beside
this file and `ChatParams` of the SDK). `tests/types/test_request_params.py` names every list that lacks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.types.operations import CHAT, EMBEDDING, TEXT_COMPLETION

__all__ = ["ALL_PARAMS", "PARAM_TYPES", "REQUEST_PARAMS", "RequestParam", "is_neutral"]


class RequestParam(NamedTuple):
    name: str
    types: tuple[type, ...]
    """Its JSON types; `float` is any number."""
    sample: Any
    """A value that asks for something."""
    neutral: tuple[Any, ...] = ()
    """Values that ask for what happens anyway. A target without the parameter is sent nothing, and nothing is lost."""
    beside: Mapping[str, Any] = MappingProxyType({})
    """Other parameters, without which the sample is refused."""
    ability: str = ""
    """The ability of a model (a name of `models.ABILITIES`) that a value other than a neutral one may need."""
    droppable: bool = False
    """Whether the answer is the same without it: a target that lacks it is sent the rest, and it is reported as left out."""
    listed: bool = True
    """Whether `get_supported_openai_params` may list it."""
    deployment_default: bool = True
    """Whether a deployment's configuration may set it for callers that leave it out."""
    operations: tuple[str, ...] = (CHAT.name,)
    other_sample: Any = None
    """Another value that asks for something: a target that takes one of the two has the parameter."""


_FUNCTION: Mapping[str, Any] = {"name": "look", "parameters": {"type": "object", "properties": {}}}
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
_TOOLS = [{"type": "function", "function": _FUNCTION}]
_TEXT = (CHAT.name, TEXT_COMPLETION.name)
_ALL = (*_TEXT, EMBEDDING.name)

_P = RequestParam
_TABLE = (
    _P("temperature", (float,), 0.5, (1,), ability="temperature", operations=_TEXT),
    _P("top_p", (float,), 0.5, (1,), ability="temperature", operations=_TEXT),
    _P("top_k", (int,), 5, ability="temperature", listed=False),
    _P("n", (int,), 2, (1,), operations=_TEXT),
    _P("stream", (bool,), True, (False,), deployment_default=False, operations=_TEXT),
    _P("stream_options", (dict,), {"include_usage": True}, beside={"stream": True}, operations=_TEXT),
    _P("stop", (str, list), ["."], ([],), operations=_TEXT),
    _P("max_tokens", (int,), 16, operations=_TEXT),
    _P("max_completion_tokens", (int,), 16),
    _P("presence_penalty", (float,), 0.5, (0,), operations=_TEXT),
    _P("frequency_penalty", (float,), 0.5, (0,), operations=_TEXT),
    _P("logit_bias", (dict,), {"50256": -100}, ({},), operations=_TEXT),
    _P("user", (str,), "someone", droppable=True, operations=_ALL),
    _P(
        "response_format",
        (dict,),
        {"type": "json_object"},
        ({"type": "text"},),
        ability="response_schema",
        other_sample={"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": _SCHEMA}},
    ),
    _P("seed", (int,), 7, operations=_TEXT),
    _P("tools", (list,), _TOOLS, ([],), ability="function_calling"),
    _P("tool_choice", (str, dict), "auto", beside={"tools": _TOOLS}, ability="tool_choice"),
    _P("parallel_tool_calls", (bool,), False, (True,), {"tools": _TOOLS}, ability="parallel_function_calling"),
    _P("functions", (list,), [_FUNCTION], ([],), ability="function_calling", deployment_default=False),
    _P(
        "function_call",
        (str, dict),
        "auto",
        beside={"functions": [_FUNCTION]},
        ability="tool_choice",
        deployment_default=False,
    ),
    _P("logprobs", (bool,), True, (False,)),
    _P("logprobs", (int,), 2, operations=(TEXT_COMPLETION.name,)),  # 0: those of the chosen tokens
    _P("top_logprobs", (int,), 2, (0,), beside={"logprobs": True}),
    _P("modalities", (list,), ["text"], (["text"], []), ability="audio_output"),
    _P("audio", (dict,), {"voice": "alloy", "format": "wav"}, ({},), {"modalities": ["text", "audio"]}, "audio_output"),
    _P("prediction", (dict,), {"type": "content", "content": "text"}, droppable=True),
    _P("reasoning_effort", (str,), "low", ("default",), ability="reasoning"),
    _P("thinking", (dict,), {"type": "enabled", "budget_tokens": 1024}, (), {"max_tokens": 4096}, "reasoning"),
    _P("verbosity", (str,), "low", ("medium",)),
    _P("web_search_options", (dict,), {}, ability="web_search"),
    _P("service_tier", (str,), "auto"),
    _P("store", (bool,), True, (False,)),
    _P("metadata", (dict,), {"topic": "test"}, ({},), beside={"store": True}),
    _P("safety_identifier", (str,), "someone", droppable=True),
    _P("prompt_cache_key", (str,), "key", droppable=True),
    _P("prompt_cache_retention", (str,), "24h", droppable=True),
    _P("safety_settings", (list,), [{"category": "c", "threshold": "OFF"}], ([],), listed=False),
    _P(
        "cached_content",
        (str,),
        "cachedContents/1",
        ("",),
        ability="prompt_caching",
        listed=False,
        deployment_default=False,
    ),
    _P("vendor_params", (dict,), {}, listed=False, operations=(CHAT.name, EMBEDDING.name), deployment_default=False),
    _P("suffix", (str,), ".", ("",), operations=(TEXT_COMPLETION.name,), deployment_default=False),
    _P("best_of", (int,), 2, (1,), operations=(TEXT_COMPLETION.name,), deployment_default=False),
    _P("echo", (bool,), True, (False,), operations=(TEXT_COMPLETION.name,), deployment_default=False),
    _P("dimensions", (int,), 256, operations=(EMBEDDING.name,)),
    _P("encoding_format", (str,), "base64", ("float",), operations=(EMBEDDING.name,)),
    _P("input_type", (str,), "query", operations=(EMBEDDING.name,)),
    _P("title", (str,), "A title", operations=(EMBEDDING.name,), deployment_default=False),
)
"""What a request holds beside its model and what it asks about (`messages`, `prompt`, `input`)."""


def _by_name(operation: str) -> Mapping[str, RequestParam]:
    return MappingProxyType({param.name: param for param in _TABLE if operation in param.operations})


ALL_PARAMS: Mapping[str, RequestParam] = MappingProxyType({param.name: param for param in reversed(_TABLE)})
"""All parameters by name. Where two operations give a name different types, the one of chat stands here."""

REQUEST_PARAMS: Mapping[str, Mapping[str, RequestParam]] = MappingProxyType({name: _by_name(name) for name in _ALL})
"""The parameters by operation (`chat`, `text_completion`, `embedding`) and name."""

PARAM_TYPES: Mapping[str, Mapping[str, type]] = MappingProxyType(
    {
        operation: MappingProxyType({name: param.types[0] for name, param in params.items() if len(param.types) == 1})
        for operation, params in REQUEST_PARAMS.items()
    }
)
"""The types of the parameters that have only one, by operation and name."""

_NEUTRAL: Mapping[str, tuple[Any, ...]] = {name: param.neutral for name, param in ALL_PARAMS.items()}


def is_neutral(name: str, value: Any) -> bool:
    """Whether the parameter with this value asks for what happens anyway, as null does."""
    return value is None or value in _NEUTRAL.get(name, ())
