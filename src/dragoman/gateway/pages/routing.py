"""Pages about routing: what would happen to a request, and how the deployments are. No provider is called for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import orjson

from dragoman.dialects.dialect import CallerRoute, Dialect
from dragoman.dialects.registry import dialects
from dragoman.errors import BadRequestError
from dragoman.gateway.http.body import BodyLimits, parse_object, take_body
from dragoman.gateway.http.caller_dialects import dialect_of_client
from dragoman.gateway.http.endpoint import model_endpoint
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.services import GatewayServices
from dragoman.routing import Call

__all__ = ["cooldowns", "explain", "read_call", "state"]


async def explain(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `POST /v1/routing/explain`. The body is the request as it would be posted to its own path; `?dialect=` names its
    dialect where the body does not show it."""
    query = parse_qs(exchange.scope["query_string"].decode("latin-1"))
    dialect = next(iter(query.get("dialect", ())), None)

    def read(raw: bytes) -> Call:
        with_user_agent = services.router.settings.checks.tags
        return read_call(raw, services.limits, exchange.headers, dialect, with_user_agent=with_user_agent)

    call = await take_body(exchange.receive, exchange.headers, services.limits, services.bodies, read)
    call.request_id, call.caller = exchange.request_id, exchange.caller
    explanation = await services.router.explain(call)
    await exchange.reply(200, services.redactor.bytes(orjson.dumps(explanation.as_dict())))


async def state(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /v1/routing/state`: all deployments, by alias, and how many calls of each alias went to its fallbacks."""
    router = services.router
    report = (await router.state()).as_dict()
    report["fallback_rates"] = {alias: rate._asdict() for alias, rate in router.fallback_rates().items()}
    await exchange.reply(200, services.redactor.bytes(orjson.dumps(report)))


async def cooldowns(services: GatewayServices, exchange: Exchange, _: str | None) -> None:
    """Answer `GET /cooldowns`: the deployments that are out, in one list."""
    rows = [dataclasses.asdict(cooldown) for cooldown in services.router.cooldowns()]
    await exchange.reply(200, services.redactor.bytes(orjson.dumps({"cooldowns": rows, "count": len(rows)})))


def read_call(
    raw: bytes,
    limits: BodyLimits,
    headers: Mapping[str, str],
    dialect: str | None = None,
    *,
    with_user_agent: bool = False,
) -> Call:
    """Return the call that a body would be, by the same steps as at its own path. Raise `BadRequestError`."""
    body = parse_object(raw, limits)
    speaker = _named(dialect) if dialect else _dialect_of(body, headers)
    route, model = _route_of(body, speaker), None
    endpoint = model_endpoint(speaker, route)
    if route.stream is not None:
        # The address would say both.
        model = _model_in(body)
        endpoint = replace(endpoint, stream=bool(body.get("stream")))
        raw = orjson.dumps({name: value for name, value in body.items() if name not in ("model", "stream")})
    return endpoint.read(raw, limits=limits, headers=headers, model=model, with_user_agent=with_user_agent)


def _named(name: str) -> Dialect:
    by_name = {dialect.short_name: dialect for dialect in dialects()}
    if name not in by_name:
        raise BadRequestError(f"dialect: expected one of {', '.join(by_name)}", param="dialect")
    return by_name[name]


def _dialect_of(body: Mapping[str, Any], headers: Mapping[str, str]) -> Dialect:
    """Return the dialect that alone has a request with such a field, or else the one whose clients send such headers."""
    every = dialects()
    matches = [dialect for dialect in every if any(route.marker in body for route in dialect.routes)]
    return matches[0] if len(matches) == 1 else dialect_of_client(every, headers, b"")


def _route_of(body: Mapping[str, Any], dialect: Dialect) -> CallerRoute:
    """Return where such a body is posted."""
    match = next((route for route in dialect.routes if route.marker and route.marker in body), None)
    if match is None:
        fields = " or ".join(f"`{route.marker}`" for route in dialect.routes if route.marker)
        raise BadRequestError(f"expected a request of the dialect {dialect.short_name}: with {fields}", param="dialect")
    return match


def _model_in(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if not (isinstance(model, str) and model):
        raise BadRequestError("model: expected the name of a model", param="model", code="missing_required_parameter")
    return model.removeprefix("models/")
