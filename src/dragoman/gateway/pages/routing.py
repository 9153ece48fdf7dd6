"""`POST /v1/routing/explain`: what would happen to a request, without making it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import orjson

from dragoman.dialects.dialect import CallerRoute, Dialect
from dragoman.dialects.registry import dialects
from dragoman.errors import BadRequestError
from dragoman.gateway.http.body import parse_object
from dragoman.gateway.http.caller_dialects import dialect_of_client
from dragoman.gateway.http.endpoint import GatewayServices
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.routes import model_endpoint
from dragoman.routing import Call

__all__ = ["call_of", "explain"]


async def explain(kitchen: GatewayServices, exchange: Exchange) -> None:
    """The body is the request as it would be made; `?dialect=` says whose it is where that cannot be seen."""
    query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    dialect = next(iter(query.get("dialect", ())), None)
    call = await kitchen.take_body(exchange, lambda raw: call_of(kitchen, exchange, raw, dialect))
    explained = await kitchen.router.explain(call)
    exchange.operation = ""  # for the log: it was no call
    await exchange.reply(200, kitchen.redactor.bytes(orjson.dumps(explained.as_dict())))


def call_of(kitchen: GatewayServices, exchange: Exchange, raw: bytes, dialect: str | None) -> Call:
    """The call that a body would be, by the same steps as at its own path. Raises `BadRequestError`."""
    body = parse_object(raw, kitchen.limits)
    speaker = _named(dialect) if dialect else _dialect_of(body, exchange.headers)
    route = _route_of(body, speaker)
    endpoint, model, caller = model_endpoint(speaker, route), None, exchange.dialect
    if route.stream is not None:
        # The address would say both.
        model = _model_in(body)
        endpoint = replace(endpoint, stream=bool(body.get("stream")))
        raw = orjson.dumps({name: value for name, value in body.items() if name not in ("model", "stream")})
    exchange.dialect = speaker
    try:
        return endpoint.read(kitchen, exchange, raw, model)[0]
    finally:
        exchange.dialect = caller


def _named(name: str) -> Dialect:
    known = {dialect.short_name: dialect for dialect in dialects()}
    if name not in known:
        raise BadRequestError(f"dialect: expected one of {', '.join(known)}", param="dialect")
    return known[name]


def _dialect_of(body: Mapping[str, Any], headers: Mapping[str, str]) -> Dialect:
    """Return the dialect that alone has a request with such a field, or else the one whose clients send such headers."""
    known = dialects()
    fields = [{route.marker for route in dialect.routes if route.marker in body} for dialect in known]
    own = [dialect for dialect, markers in zip(known, fields, strict=True) if markers]
    return own[0] if len(own) == 1 else dialect_of_client(known, headers, b"")


def _route_of(body: Mapping[str, Any], dialect: Dialect) -> CallerRoute:
    """Return where such a body is posted."""
    found = next((route for route in dialect.routes if route.marker and route.marker in body), None)
    if found is None:
        fields = " or ".join(f"`{route.marker}`" for route in dialect.routes if route.marker)
        raise BadRequestError(f"expected a request of the dialect {dialect.short_name}: with {fields}", param="dialect")
    return found


def _model_in(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if not (isinstance(model, str) and model):
        raise BadRequestError("model: expected the name of a model", param="model", code="missing_required_parameter")
    return model.removeprefix("models/")
