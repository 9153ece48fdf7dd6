"""A job into the bytes that a provider is sent. Here, and only here, it is decided whether a caller's own body passes through."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

from dragoman.dialects.call_ids import call_ids_of
from dragoman.dialects.dialect import Codec, Operation, ReplyContext, Target, WireRequest
from dragoman.dialects.framing.surrogates import dumps
from dragoman.errors import BadRequestError, NotFoundError
from dragoman.models import only_endpoint
from dragoman.providers import Endpoint, address
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.call import Source
from dragoman.routing.deployments.abilities import abilities_of, fitted

__all__ = ["PreparedRequest", "prepare", "target_of"]


def _user_agent() -> str:
    try:
        return f"dragoman/{version('dragoman')}"
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "dragoman"


_SERVED = frozenset({"chat", "text_completion"})
_AT: Mapping[str, Operation] = MappingProxyType({"/v1/completions": "text_completion"})
_USER_AGENT = _user_agent()


@dataclass(slots=True, frozen=True)
class PreparedRequest:
    url: str
    headers: dict[str, str]
    body: bytes
    codec: Codec[Any, Any, Any]
    context: ReplyContext
    native: bool
    """The caller's own body passes through, and so does the reply."""
    dropped: tuple[str, ...]


def prepare(job: AttemptRequest, endpoint: Endpoint) -> PreparedRequest:
    """Write, address and sign one request. Raises `BadRequestError` or `AuthenticationError`."""
    _check_served(job)
    codec = endpoint.codec
    target, as_it_stands = fitted(job.deployment, job.request, job.operation, target_of(job))
    source = _relayed(job, codec) if as_it_stands else None
    relayed = None
    if source is not None and codec.relay_request is not None:
        relayed = codec.relay_request(source.body, target)
    wire = relayed or codec.write_request(job.request, target)
    context = job.reply_context()
    if relayed is None and (known := frozenset(call_ids_of(job.request.get("messages")))):
        context = replace(context, call_ids=known)
    if wire.tool_names or wire.json_tool is not None:
        context = replace(context, tool_names=wire.tool_names, json_tool=wire.json_tool)
    return PreparedRequest(
        url=_address(job, endpoint, wire),
        headers=_headers(job, wire, source.headers if relayed is not None and source is not None else {}),
        body=_body(wire, job.options.extra_body),
        codec=codec,
        context=context,
        native=relayed is not None,
        dropped=(*wire.dropped, *job.left_out) if job.left_out else wire.dropped,
    )


def _check_served(job: AttemptRequest) -> None:
    """Refuse a model that is served at another endpoint only. `model_info: {mode: chat}` says that it is served here after all."""
    deployment = job.deployment
    only = only_endpoint(deployment.provider.name, deployment.model)
    if only is None or job.operation not in _SERVED or "mode" in deployment.model_info:
        return
    operation = _AT.get(only)
    if operation != job.operation:
        remedy = "ask it there (`text_completion`)" if operation else "which is not supported yet"
        raise NotFoundError(
            f"{deployment.provider.name} serves {deployment.model} at {only} only, {remedy}",
            param="model",
            code="unsupported_operation",
        )


def target_of(job: AttemptRequest) -> Target:
    """For whom this job's request is written."""
    deployment, options = job.deployment, job.options
    provider = deployment.provider
    return Target(
        provider=provider.name,
        model=deployment.model,
        vendor=provider.vendor or provider.name,
        stream=job.stream,
        facts=abilities_of(deployment).facts,
        accent=provider.accent,
        drop_params=job.drop_params,
        additional_drop_params=options.additional_drop_params,
        allowed_openai_params=options.allowed_openai_params,
    )


def _relayed(job: AttemptRequest, codec: Codec[Any, Any, Any]) -> Source | None:
    """The caller's body where it may pass through untouched: both sides speak the same dialect, the provider speaks it
    faithfully, and nothing has to be merged into it or taken out of it."""
    source = job.source
    if source is None or source.dialect != codec.dialect or codec.relay_request is None:
        return None
    if job.stream and codec.stream_relay is None:
        return None
    deployment, options = job.deployment, job.options
    changed = deployment.params or job.drop_params or options.additional_drop_params
    if changed or not deployment.provider.faithful:
        return None
    if codec.foreign_marks and _any_of(codec.foreign_marks).search(source.raw):
        return None
    return source


@functools.cache
def _any_of(marks: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """One pass over the body instead of one for each mark."""
    return re.compile(b"|".join(map(re.escape, marks)))


def _address(job: AttemptRequest, endpoint: Endpoint, wire: WireRequest) -> str:
    if job.options.extra_query:
        wire = replace(wire, query={**wire.query, **job.options.extra_query})
    return address(
        job.deployment.provider, endpoint, api_base=job.options.api_base, wire=wire, model=job.deployment.model
    )


def _headers(job: AttemptRequest, wire: WireRequest, meant: Mapping[str, str]) -> dict[str, str]:
    """`meant`: what the caller's own headers say about a body that passes through."""
    provider, options = job.deployment.provider, job.options
    headers = {"content-type": "application/json", "user-agent": _USER_AGENT}
    for more in (provider.headers, wire.headers, meant):
        headers.update(more)
    headers.update(provider.credential.headers(options.api_key, provider=provider.name))
    for name, value in options.extra_headers.items():
        headers[name.lower()] = value
    return headers


def _body(wire: WireRequest, extra: Mapping[str, Any]) -> bytes:
    try:
        return dumps({**wire.body, **extra} if extra else wire.body)
    except TypeError as error:
        raise BadRequestError(f"the request holds what JSON cannot say: {error}", code="invalid_type") from error
