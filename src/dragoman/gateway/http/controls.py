"""Fields that OpenAI's callers write into the body for the gateway rather than for the model, and those that they may not write.

A client can never choose where a key of the server is sent, nor with which key: those fields are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dragoman.dialects.validation import bad, wrong_type
from dragoman.errors import BadRequestError, ConfigError
from dragoman.litellm.controls import is_control, is_integration_secret, spelled_alike
from dragoman.litellm.unsupported import hint_of, unsupported_names
from dragoman.routing import NO_OPTIONS, CallOptions
from dragoman.routing.settings.deployment_keys import KEYS
from dragoman.routing.settings.options import OPTION_NAMES, is_price
from dragoman.routing.settings.queue import priority_reader
from dragoman.settings.option_readers import string, tool_calls
from dragoman.settings.readers import Reader, boolean, number, whole
from dragoman.types.json import JsonObject
from dragoman.types.request_params import ALL_PARAMS

__all__ = ["pop_call_options", "reject_server_fields", "take_controls"]

_MOST_RETRIES = 10
_MOST_FALLBACKS = 10
_LONGEST = 6000.0

_SERVER_FIELD_NAMES = """
    api_key api_base base_url api_version api_type custom_llm_provider extra_headers headers extra_query
    provider_specific_header model_list user_config router_settings_override client organization deployment_id
    azure_ad_token azure_ad_token_provider azure_username azure_password azure_scope tenant_id client_id client_secret
    region_name litellm_credential_name litellm_params ssl_verify ssl_certificate shared_session use_litellm_proxy proxy
    proxies hf_model_name base_model
"""
_SERVER_FIELDS = frozenset(_SERVER_FIELD_NAMES.split())
"""Where a call goes, with which credential, and at what price: only the server may set it."""
_PLAIN = frozenset(
    {"model", "messages", "stream", "max_tokens", "temperature", "tools", "tool_choice", "input", "prompt"}
)
"""What most bodies consist of, so that these names need no closer look."""
_STRUCTURES = frozenset({"messages", "contents", "system", "tools", "generationConfig", "generation_config", "labels"})
_PARTS = frozenset({"content", "parts"})
"""Fields of a message that hold objects of the request's own structure."""
_PLAIN_INSIDE = frozenset(
    {"role", "content", "parts", "type", "text", "function", "tool_calls", "tool_call_id", "name"}
)
"""What most of these objects consist of, so that they need no closer look."""
_SERVER_PREFIXES = ("aws_", "vertex_", "watsonx_", "langfuse_", "langsmith_", "gcs_", "s3_")
_REFUSED = unsupported_names("request")
"""Without their effect a call would mean something else."""
_UNUSED = (OPTION_NAMES | KEYS.keys()) - (OPTION_NAMES & ALL_PARAMS.keys())
"""Options of the SDK and settings of a deployment, but for those that are parameters of requests as well (`metadata`)."""


def reject_server_fields(body: Mapping[str, Any], path: str = "") -> None:
    """Raise `BadRequestError` where a client sets what only the server's configuration may set."""
    for name in body:
        if name in _PLAIN:
            continue
        spelling = spelled_alike(name)
        if spelling in _SERVER_FIELDS or spelling.startswith(_SERVER_PREFIXES) or is_price(spelling):
            raise BadRequestError(
                f"{path}{name}: only the gateway's configuration may set this",
                param=f"{path}{name}",
                code="forbidden_parameter",
            )
        if name in _REFUSED:
            message = f"{path}{name}: {hint_of('request', name)}"
            raise BadRequestError(message, param=f"{path}{name}", code="unsupported_parameter")


def pop_call_options(body: JsonObject) -> tuple[CallOptions, tuple[str, ...]]:
    """Take the gateway's fields out of `body`. Return them, and the names of fields that have no effect."""
    reject_server_fields(body)
    values = _pop_controls(body) if not body.keys().isdisjoint(_CONTROLS) else {}
    unused = () if body.keys().isdisjoint(_UNUSED) else tuple(name for name in body if name in _UNUSED)
    for name in unused:
        del body[name]
    dropped = unused + take_controls(body)
    if "extra_body" in values:
        values["extra_body"], inside = _without_controls(values["extra_body"])
        dropped += tuple(f"extra_body.{name}" for name in inside)
    return (CallOptions(**values) if values else NO_OPTIONS), dropped


def _pop_controls(body: JsonObject) -> dict[str, Any]:
    """Take out the fields that are options of a call, and read them."""
    values = {
        name: read(value, name)
        for name, read in _CONTROLS.items()
        if name in body and (value := body.pop(name)) is not None
    }
    facts = {fact: values.pop(name) for name, fact in _FACTS.items() if name in values}
    if facts:
        values["metadata"] = facts
    return values


def take_controls(body: JsonObject) -> tuple[str, ...]:
    """Take out of `body` what never reaches a provider and has no effect here. Return the names."""
    names = tuple(filter(is_control, body))
    for name in names:
        del body[name]
    return (*names, *_take_nested(body))


def _take_nested(body: JsonObject) -> Iterator[str]:
    """Take credentials of integrations out of the objects of the request's own structure, and yield their paths. What may hold a
    caller's own data is left alone: texts, schemas, and arguments of tools."""
    for field in body.keys() & _STRUCTURES:
        yield from _take_secrets(body[field], field, 4)


def _take_secrets(value: Any, path: str, levels: int) -> Iterator[str]:
    """Look at `levels` levels of lists and objects."""
    if isinstance(value, list) and levels:
        for index, item in enumerate(value):
            yield from _take_secrets(item, f"{path}[{index}]", levels - 1)
    elif isinstance(value, dict):
        if not value.keys() <= _PLAIN_INSIDE:
            for name in [name for name in value if is_integration_secret(name)]:
                del value[name]
                yield f"{path}.{name}"
        for name in value.keys() & _PARTS if levels > 1 else ():
            yield from _take_secrets(value[name], f"{path}.{name}", levels - 1)


def _without_controls(body: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    rest = dict(body)
    names = take_controls(rest)
    return rest, names


def _as_request_error(read: Reader) -> Reader:
    """Return the reader of a setting for a field of a request's body."""

    def read_field(value: Any, path: str) -> Any:
        try:
            return read(value, path)
        except ConfigError as error:
            raise BadRequestError(error.message, param=error.param or path, code="invalid_value") from None

    return read_field


def _names(value: Any, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, "an array", value)
    for index, item in enumerate(value):
        string(item, f"{path}[{index}]")
    return tuple(value)


def _tags(value: Any, path: str) -> list[str]:
    return list(_names(value, path))


def _fallbacks(value: Any, path: str) -> tuple[str | JsonObject, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, "an array", value)
    if len(value) > _MOST_FALLBACKS:
        raise bad(path, f"expected at most {_MOST_FALLBACKS} fallbacks")
    return tuple(_fallback(item, f"{path}[{index}]") for index, item in enumerate(value))


def _fallback(value: Any, path: str) -> str | JsonObject:
    if isinstance(value, str) and value:
        return value
    if not isinstance(value, dict):
        raise wrong_type(path, "a model name, or an object with one", value)
    if not isinstance(value.get("model"), str) or not value["model"]:
        raise wrong_type(f"{path}.model", "a string", value.get("model"))
    reject_server_fields(value, f"{path}.")
    for name in ("fallbacks", "num_retries", "extra_body"):
        if name in value:
            raise bad(f"{path}.{name}", "cannot be set for a fallback")
    return value


def _extra_body(value: Any, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object", value)
    for name in ("model", "stream"):
        # It is merged last, as it stands: it would be another model than the one that was admitted.
        if name in value:
            raise bad(f"{path}.{name}", "cannot be set here")
    reject_server_fields(value, f"{path}.")
    return value


_SECONDS = number(0.001, _LONGEST, kind="seconds")
_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "num_retries": whole(0, _MOST_RETRIES),
        "timeout": _SECONDS,
        "stream_timeout": _SECONDS,
        "fallbacks": _fallbacks,
        "disable_fallbacks": boolean,
        "mock_testing_fallbacks": boolean,
        "mock_testing_rate_limit_error": boolean,
        "mock_testing_context_fallbacks": boolean,
        "mock_testing_content_policy_fallbacks": boolean,
        "tags": _tags,
        "priority": priority_reader,
        "litellm_session_id": string,
        "drop_params": boolean,
        "additional_drop_params": _names,
        "allowed_openai_params": _names,
        "extra_body": _extra_body,
        "mock_response": string,
        "mock_tool_calls": tool_calls,
        "mock_delay": _SECONDS,
        "mock_timeout": boolean,
    }
)
"""What a caller may set, within tighter bounds than the server's own configuration."""
_CONTROLS: Mapping[str, Reader] = MappingProxyType({name: _as_request_error(read) for name, read in _READERS.items()})

_FACTS: Mapping[str, str] = MappingProxyType(
    {"tags": "tags", "priority": "priority", "litellm_session_id": "session_id"}
)
"""Fields of the body that may stand in the metadata of a call as well."""
