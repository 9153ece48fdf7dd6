"""`POST /v1/routing/explain`: what would happen to a request, without making it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import orjson

from dragoman.errors import BadRequestError
from dragoman.gateway.http.body import parse_object
from dragoman.gateway.http.endpoint import GatewayServices, ModelEndpoint
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.routes import Route, find
from dragoman.routing import Call

__all__ = ["DIALECTS", "call_of", "explain"]


class _Shape(NamedTuple):
    """How a request is told from the others of its dialect."""

    field: str
    """One that it has and they have not."""
    path: str
    """Where it is posted."""


DIALECTS: Mapping[str, tuple[_Shape, ...]] = MappingProxyType(
    {
        "openai": (
            _Shape("messages", "/v1/chat/completions"),
            _Shape("input", "/v1/embeddings"),
            _Shape("prompt", "/v1/completions"),
        ),
        "anthropic": (_Shape("messages", "/v1/messages"),),
        "gemini": (
            _Shape("contents", "/v1beta/models/{model}:generateContent"),
            _Shape("content", "/v1beta/models/{model}:embedContent"),
            _Shape("requests", "/v1beta/models/{model}:batchEmbedContents"),
        ),
    }
)
"""By the name that `?dialect=` gives."""


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
    route, model = _route_of(body, dialect or _guess(body, exchange.headers))
    assert isinstance(route.answer, ModelEndpoint)
    ask, caller = route.answer, exchange.dialect
    if model is not None and ask.stream is not None:
        ask = replace(ask, stream=bool(body.get("stream")))
        raw = orjson.dumps({name: value for name, value in body.items() if name not in ("model", "stream")})
    exchange.dialect = route.dialect
    try:
        return ask.read(kitchen, exchange, raw, model)[0]
    finally:
        exchange.dialect = caller


def _guess(body: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    if any(shape.field in body for shape in DIALECTS["gemini"]):
        return "gemini"
    return "anthropic" if "anthropic-version" in headers else "openai"


def _route_of(body: Mapping[str, Any], dialect: str) -> tuple[Route, str | None]:
    """Where such a body is posted, and the model, where it stands in the address there."""
    shapes = DIALECTS.get(dialect)
    if shapes is None:
        raise BadRequestError(f"dialect: expected one of {', '.join(DIALECTS)}", param="dialect")
    shape = next((shape for shape in shapes if shape.field in body), None)
    if shape is None:
        fields = " or ".join(f"`{shape.field}`" for shape in shapes)
        raise BadRequestError(f"expected a request of the dialect {dialect}: with {fields}", param="dialect")
    model = body.get("model")
    if "{model}" in shape.path and not (isinstance(model, str) and model):
        raise BadRequestError("model: expected the name of a model", param="model", code="missing_required_parameter")
    found = find(shape.path.format(model=str(model).removeprefix("models/")))
    assert found is not None
    return found.route, found.model
