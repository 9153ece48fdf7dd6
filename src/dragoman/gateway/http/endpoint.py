"""The endpoint of every operation that a model answers: read, admit, answer, write. The codec is all that differs."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from dragoman.dialects.codec import Codec, Payload, ReplyStyle, RequestHints
from dragoman.dialects.dialect import CallerRoute, Dialect
from dragoman.errors import BadRequestError, NotFoundError
from dragoman.gateway.http.body import BodyLimits, parse_object, take_body
from dragoman.gateway.http.caller_facts import with_caller_facts
from dragoman.gateway.http.controls import pop_call_options, reject_server_fields, take_controls
from dragoman.gateway.http.disconnect import DisconnectWatch
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.replies import StreamReply, WholeReply
from dragoman.gateway.http.services import GatewayServices
from dragoman.routing import NO_OPTIONS, Call, CallOptions, Source
from dragoman.routing.settings.stored_metadata import keep_labels, keep_stored
from dragoman.types.json import JsonObject

__all__ = ["ModelEndpoint", "model_endpoint"]

_JSON = "application/json"
_LONGEST_NAME = 512
"""No model's name is longer, and it is repeated in headers, errors and the log."""


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """Answers the requests of one dialect and operation."""

    codec: Codec[Any, Any, Any]
    dialect: Dialect
    controls: bool = False
    """Whether its callers write the gateway's own fields into the body, as LiteLLM's do."""
    stream: bool | None = None
    """Where the address says it; None: the body says it."""

    async def __call__(self, services: GatewayServices, exchange: Exchange, model: str | None) -> None:
        read = functools.partial(
            self.read,
            limits=services.limits,
            headers=exchange.headers,
            query=exchange.scope["query_string"],
            model=model,
            with_user_agent=services.router.settings.checks.tags,
        )
        call = await take_body(exchange.receive, exchange.headers, services.limits, services.bodies, read)
        call.request_id, call.caller = exchange.request_id, exchange.caller
        exchange.call = call
        async with (
            services.gate.admit(exchange.caller, call),
            DisconnectWatch(exchange.receive, exchange.scope) as watch,
            self._reply(services, exchange, call, watch) as reply,
        ):
            await reply.write(await services.router.answer(call))

    def _reply(
        self, services: GatewayServices, exchange: Exchange, call: Call, watch: DisconnectWatch
    ) -> StreamReply | WholeReply:
        kind = StreamReply if call.stream else WholeReply
        return kind(services, exchange, self.codec, call, watch)

    def read(
        self,
        raw: bytes,
        *,
        limits: BodyLimits,
        headers: Mapping[str, str],
        query: bytes = b"",
        model: str | None = None,
        with_user_agent: bool = False,
    ) -> Call:
        """Return the call that a body means. Pure. Raise `BadRequestError`.

        `headers` have lower-case names; `model` is the one that the address names; `with_user_agent` keeps the name of the
        caller's program for the choice of a deployment."""
        payload = self._payload(raw, headers) if self.codec.read_request_payload is not None else None
        body = parse_object(raw, limits) if payload is None else {}
        options, dropped = self._take_options(body)
        metadata = body.get("metadata")
        if not self.controls:
            keep_labels(body)
        hints = RequestHints(model=model, stream=self.stream, headers=_subset(headers, self.dialect.hint_headers))
        request = self._read_request(body, payload, hints)
        name = _model_name(request.get("model"))
        options = with_caller_facts(options, metadata or request.get("metadata"), headers, with_user_agent)
        if self.controls:
            if keep_stored(request):
                dropped += ("metadata",)
            keep_stored(body)
        style = self._style(name, request, query)
        return Call(
            operation=self.codec.operation,
            model=name,
            request=request,
            stream=self._is_stream(request),
            options=options,
            source=self._source(style, body, raw, headers) if payload is None else None,
            reply_style=style,
            write=lambda response: self._write_response(response, style),
            dropped=dropped,
        )

    def _is_stream(self, request: Mapping[str, Any]) -> bool:
        """Return whether the answer is to be a stream. Raise `BadRequestError` before a provider is paid for one."""
        is_stream = bool(request.get("stream")) if self.stream is None else self.stream
        if is_stream and self.codec.stream_writer is None:
            raise BadRequestError(f"stream: {self.codec.operation.label} cannot be streamed", param="stream")
        return is_stream

    def _payload(self, raw: bytes, headers: Mapping[str, str]) -> Payload | None:
        """Return the body of a caller that sends something other than JSON."""
        content_type = headers.get("content-type", "")
        return None if content_type.partition(";")[0].strip().lower() == _JSON else Payload(raw, content_type)

    def _read_request(self, body: JsonObject, payload: Payload | None, hints: RequestHints) -> Any:
        if payload is not None and self.codec.read_request_payload is not None:
            return self.codec.read_request_payload(payload, hints)
        return self.codec.read_request(body, hints)

    def _write_response(self, response: Any, style: ReplyStyle) -> Payload:
        codec = self.codec
        if codec.write_response_payload is not None:
            return codec.write_response_payload(response, style)
        return Payload(orjson.dumps(codec.write_response(response, style)), _JSON)

    def _take_options(self, body: JsonObject) -> tuple[CallOptions, tuple[str, ...]]:
        if self.controls:
            return pop_call_options(body)
        reject_server_fields(body)
        return NO_OPTIONS, take_controls(body)

    def _source(self, style: ReplyStyle, body: JsonObject, raw: bytes, headers: Mapping[str, str]) -> Source | None:
        """Return the caller's own body with the headers that belong to it; None where it cannot pass through: an error could
        not be put into an array of JSON that another has begun."""
        if style.framing == "json_array":
            return None
        return Source(self.codec.dialect, body, raw, _subset(headers, self.dialect.semantic_headers))

    def _style(self, model: str, request: JsonObject, query: bytes) -> ReplyStyle:
        options = request.get("stream_options")
        is_array = bool(self.stream) and parse_qs(query).get(b"alt") != [b"sse"]
        return ReplyStyle(
            model=model,
            include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
            framing="json_array" if is_array else "sse",
            vendor=self.dialect.vendor,
        )


def model_endpoint(dialect: Dialect, route: CallerRoute) -> ModelEndpoint:
    """Return what answers a route of a dialect."""
    return ModelEndpoint(route.codec, dialect, controls=dialect.options_in_body, stream=route.stream)


def _subset(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers} if names else {}


def _model_name(name: Any) -> str:
    """Return the name of a model. Raise `BadRequestError` or `NotFoundError`."""
    if not isinstance(name, str) or not name:
        raise BadRequestError("model: expected the name of a model", param="model", code="missing_required_parameter")
    if len(name) > _LONGEST_NAME:
        raise NotFoundError(f"the model {name[:64]!r}... does not exist here", param="model", code="model_not_found")
    return name
