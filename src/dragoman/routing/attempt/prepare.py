"""An attempt's request in the provider's dialect, complete but for its signature.

Here, and only here, it is decided whether a caller's own body passes through."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from dragoman.credentials import HttpRequest
from dragoman.dialects.call_ids import call_ids_of
from dragoman.dialects.codec import Codec, Payload, ReplyContext, Target, WireRequest
from dragoman.dialects.framing.surrogates import dumps
from dragoman.errors import BadRequestError, NotFoundError
from dragoman.models import only_endpoint
from dragoman.providers import Endpoint, address
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.attempt.send import outgoing_headers
from dragoman.routing.call import Source
from dragoman.routing.deployments.abilities import abilities_of, fitted
from dragoman.types.operations import TEXT_COMPLETION, Operation

__all__ = ["PreparedRequest", "prepare", "target_of"]

_SERVED: Mapping[str, Operation] = MappingProxyType({"/v1/completions": TEXT_COMPLETION})
"""Endpoints that some models are served at only, as far as they are spoken here."""
_JSON = "application/json"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, frozen=True)
class PreparedRequest:
    """What is sent, and what is needed to read the reply."""

    http: HttpRequest
    """Not signed yet."""
    codec: Codec[Any, Any, Any]
    context: ReplyContext
    native: bool
    """The caller's own body passes through, and so does the reply."""
    dropped: tuple[str, ...]


def prepare(request: AttemptRequest, endpoint: Endpoint) -> PreparedRequest:
    """Write and address one request. Raise `BadRequestError`."""
    _check_served(request)
    codec = endpoint.codec
    target, is_unchanged = fitted(request.deployment, request.hub_request, request.operation, target_of(request))
    source = _relayable_source(request, codec) if is_unchanged else None
    relayed = None
    if source is not None and codec.relay_request is not None:
        relayed = codec.relay_request(source.body, target)
    wire = relayed or codec.write_request(request.hub_request, target)
    return PreparedRequest(
        http=_http_request(
            request, endpoint, wire, _NO_HEADERS if relayed is None or source is None else source.headers
        ),
        codec=codec,
        context=_reply_context(request, wire, is_relayed=relayed is not None),
        native=relayed is not None,
        dropped=(*wire.dropped, *request.left_out) if request.left_out else wire.dropped,
    )


def _check_served(request: AttemptRequest) -> None:
    """Refuse a model that is served at another endpoint only. `model_info: {mode: chat}` says that it is served here after all."""
    deployment = request.deployment
    only = only_endpoint(deployment.provider.name, deployment.model)
    if only is None or not request.operation.generates or "mode" in deployment.model_info:
        return
    operation = _SERVED.get(only)
    if operation is not request.operation:
        remedy = f"ask it there (`{operation.name}`)" if operation else "which is not supported yet"
        raise NotFoundError(
            f"{deployment.provider.name} serves {deployment.model} at {only} only, {remedy}",
            param="model",
            code="unsupported_operation",
        )


def target_of(request: AttemptRequest) -> Target:
    """Return the provider and model that the request is written for."""
    deployment, options = request.deployment, request.options
    provider = deployment.provider
    return Target(
        provider=provider.name,
        model=deployment.model,
        vendor=provider.vendor or provider.name,
        stream=request.stream,
        facts=abilities_of(deployment).facts,
        accent=provider.accent,
        drop_params=request.drop_params,
        additional_drop_params=options.additional_drop_params,
        allowed_openai_params=options.allowed_openai_params,
    )


def _relayable_source(request: AttemptRequest, codec: Codec[Any, Any, Any]) -> Source | None:
    """Return the caller's body if it may pass through untouched: both sides speak the same dialect, the provider speaks it
    faithfully, and nothing has to be merged into it or taken out of it."""
    source = request.source
    if source is None or source.dialect != codec.dialect or not request.deployment.provider.faithful:
        return None
    if codec.relay_request is None or (request.stream and codec.stream_relay is None):
        return None
    if request.changes_body:
        return None
    marks = codec.foreign_marks
    return None if marks and _any_of(marks).search(source.raw) else source


@functools.cache
def _any_of(marks: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """One pass over the body instead of one for each mark."""
    return re.compile(b"|".join(map(re.escape, marks)))


def _reply_context(request: AttemptRequest, wire: WireRequest, *, is_relayed: bool) -> ReplyContext:
    context = request.reply_context()
    if not is_relayed and (call_ids := frozenset(call_ids_of(request.hub_request.get("messages")))):
        context = replace(context, call_ids=call_ids)
    if wire.tool_names or wire.json_tool is not None:
        context = replace(context, tool_names=wire.tool_names, json_tool=wire.json_tool)
    return context


def _http_request(
    request: AttemptRequest, endpoint: Endpoint, wire: WireRequest, caller_headers: Mapping[str, str]
) -> HttpRequest:
    """`caller_headers`: what the caller's own headers say about a body that passes through."""
    deployment, options = request.deployment, request.options
    provider = deployment.provider
    if wire.payload is None:
        body, content_type = _json_body(wire.body, options.extra_body), _JSON
    else:
        body, content_type = _payload_body(request, wire.payload), wire.payload.content_type
    if options.extra_query:
        wire = replace(wire, query={**wire.query, **options.extra_query})
    url = address(provider, endpoint, api_base=options.api_base, wire=wire, model=deployment.model)
    return HttpRequest(
        "POST", url, outgoing_headers(provider, options, content_type, wire.headers, caller_headers), body
    )


def _json_body(body: Mapping[str, Any], extra: Mapping[str, Any]) -> bytes:
    try:
        return dumps({**body, **extra} if extra else body)
    except TypeError as error:
        raise BadRequestError(f"the request holds what JSON cannot say: {error}", code="invalid_type") from error


def _payload_body(request: AttemptRequest, payload: Payload) -> bytes:
    if request.options.extra_body:
        media_type = payload.content_type.partition(";")[0]
        raise BadRequestError(
            f"extra_body: expected none, as {request.deployment.provider.name} takes {request.operation.label} as "
            f"{media_type} and it can be merged into JSON only",
            param="extra_body",
        )
    return payload.data
