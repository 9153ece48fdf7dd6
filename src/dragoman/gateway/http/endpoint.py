"""One endpoint for everything that can be asked: read, answer, write. The codec is all that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs

import orjson

from dragoman.dialects.codec import Codec, ReplyStyle, RequestHints
from dragoman.errors import BadRequestError, DragomanError, NotFoundError
from dragoman.gateway.http.attempt_headers import attempt_headers, note_answer, note_error, note_usage
from dragoman.gateway.http.body import BodyBudget, BodyLimits, parse_object, take_body
from dragoman.gateway.http.caller_facts import with_caller_facts
from dragoman.gateway.http.controls import pop_call_options, reject_server_fields, take_controls
from dragoman.gateway.http.cost_headers import cost_headers, cost_text, with_cost
from dragoman.gateway.http.exchange import DisconnectWatch, Exchange, Headers, header
from dragoman.gateway.http.failures import reply_error, to_dragoman_error
from dragoman.gateway.http.keep_alive import KeepAliveStream
from dragoman.gateway.logs.redactor import Redactor
from dragoman.routing import NO_OPTIONS, Answer, Call, CallRouter, Source, StreamAnswer
from dragoman.routing.settings.stored_metadata import keep_labels, keep_stored
from dragoman.types.json import JsonObject

__all__ = ["GatewayServices", "ModelEndpoint"]

_Read = TypeVar("_Read")
_NOTHING: tuple[str, ...] = ()
_EVENT_STREAM = b"text/event-stream; charset=utf-8"
_JSON_ARRAY = b"application/json"
_LONGEST_NAME = 512
"""No model's name is longer, and it is said again in headers, errors and the log."""
_PASSED_ON = ("x-ratelimit-", "anthropic-ratelimit-", "request-id", "x-request-id", "retry-after")
"""The provider's headers that a caller may want to see, as `llm_provider-<name>`."""
_MOST_PASSED_ON = 32
_LONGEST_PASSED_ON = 256
"""Bytes of a name or a value. Proxies before a gateway refuse an answer whose head is too large."""


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """What every endpoint works with."""

    router: CallRouter
    limits: BodyLimits
    keep_alive_seconds: float
    redactor: Redactor
    include_cost: bool = False
    """Whether the usage at the end of a stream says what it cost."""
    bodies: BodyBudget = field(default_factory=lambda: BodyBudget(BodyLimits()))

    async def take_body(self, exchange: Exchange, read: Callable[[bytes], _Read]) -> _Read:
        """What `read` makes of the request's body."""
        return await take_body(exchange.receive, exchange.headers, self.limits, self.bodies, read)


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """An endpoint that asks a model."""

    codec: Codec[Any, Any, Any]
    controls: bool = False
    """Whether its callers write the gateway's own fields into the body, as LiteLLM's do."""
    stream: bool | None = None
    """Where the address says it; None: the body says it."""

    async def __call__(self, kitchen: GatewayServices, exchange: Exchange, model: str | None) -> None:
        call, left_out = await kitchen.take_body(exchange, lambda raw: self.read(kitchen, exchange, raw, model))
        if call.stream and self.codec.stream_writer is not None:
            await self._stream(kitchen, exchange, call, left_out)
        else:
            await self._whole(kitchen, exchange, call, left_out)

    def read(
        self, kitchen: GatewayServices, exchange: Exchange, raw: bytes, model: str | None
    ) -> tuple[Call, tuple[str, ...]]:
        """The call that a body means, and the names of the fields that were left out of it. Raises `BadRequestError`."""
        body = parse_object(raw, kitchen.limits)
        options, left_out = NO_OPTIONS, _NOTHING
        if self.controls:
            options, left_out = pop_call_options(body)
        else:
            reject_server_fields(body)
            left_out = take_controls(body)
        said = body.get("metadata")
        if not self.controls:
            keep_labels(body)
        request = self.codec.read_request(body, self._hints(exchange, model))
        name = _model_name(request.get("model"))
        exchange.model, exchange.operation = name, self.codec.operation.name
        knows_clients = kitchen.router.settings.checks.tags
        options = with_caller_facts(
            options, said or request.get("metadata"), exchange.headers, knows_clients=knows_clients
        )
        if self.controls:
            if keep_stored(request):
                left_out += ("metadata",)
            keep_stored(body)
        stream = bool(request.get("stream")) if self.stream is None else self.stream
        exchange.stream = stream
        caller = self._caller(exchange, name, request)
        call = Call(
            operation=self.codec.operation,
            model=name,
            request=request,
            stream=stream,
            options=options,
            source=self._source(exchange, caller, body, raw),
            reply_style=caller,
            request_id=exchange.request_id,
        )
        return call, left_out

    def _source(self, exchange: Exchange, caller: ReplyStyle, body: JsonObject, raw: bytes) -> Source | None:
        """The caller's own body, with the headers that belong to it; None where it cannot pass through: an error could not
        be put into an array of JSON that another has begun."""
        if caller.framing == "json_array":
            return None
        headers = exchange.headers
        meant = {name: headers[name] for name in exchange.dialect.semantic_headers if name in headers}
        return Source(self.codec.dialect, body, raw, meant)

    def _hints(self, exchange: Exchange, model: str | None) -> RequestHints:
        headers = exchange.headers
        said = {name: headers[name] for name in exchange.dialect.hint_headers if name in headers}
        return RequestHints(model=model, stream=self.stream, headers=said)

    def _caller(self, exchange: Exchange, model: str, request: JsonObject) -> ReplyStyle:
        options = request.get("stream_options")
        sse = not self.stream or parse_qs(exchange.scope.get("query_string", b"")).get(b"alt") == [b"sse"]
        return ReplyStyle(
            model=model,
            include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
            framing="sse" if sse else "json_array",
            vendor=exchange.dialect.vendor,
        )

    async def _whole(self, kitchen: GatewayServices, exchange: Exchange, call: Call, left_out: tuple[str, ...]) -> None:
        async with DisconnectWatch(exchange.receive, exchange.scope):
            answer = await kitchen.router.answer(call)
            if isinstance(answer, StreamAnswer):
                await answer.aclose()
                raise BadRequestError("this cannot be streamed", param="stream")
            data = answer.native
            if data is None:
                assert call.reply_style is not None
                data = orjson.dumps(self.codec.write_response(answer.response, call.reply_style))
            headers = _headers(kitchen, exchange, answer, left_out)
            exchange.cost = cost_text(answer.cost)
            note_usage(exchange, answer.usage)
            headers += cost_headers(answer.cost)
            await exchange.reply(200, data, headers)

    async def _stream(
        self, kitchen: GatewayServices, exchange: Exchange, call: Call, left_out: tuple[str, ...]
    ) -> None:
        assert call.reply_style is not None
        array = call.reply_style.framing == "json_array"
        live = KeepAliveStream(
            exchange,
            content_type=_JSON_ARRAY if array else _EVENT_STREAM,
            sign=exchange.dialect.keep_alive_bytes,
            interval=kitchen.keep_alive_seconds,
        )
        async with DisconnectWatch(exchange.receive, exchange.scope) as caller, live:
            assert self.codec.stream_writer is not None
            writer = self.codec.stream_writer(call.reply_style)
            try:
                answer = await kitchen.router.answer(call)
                await _send(kitchen, exchange, live, writer, answer, left_out)
            except BaseException as raised:
                if caller.left:
                    raise
                # Kept in no variable here: its traceback names this frame.
                await _end_badly(kitchen, exchange, live, writer, to_dragoman_error(raised, exchange))


def _model_name(name: Any) -> str:
    """Raises `BadRequestError` or `NotFoundError`."""
    if not isinstance(name, str) or not name:
        raise BadRequestError("model: expected the name of a model", param="model", code="missing_required_parameter")
    if len(name) > _LONGEST_NAME:
        raise NotFoundError(f"the model {name[:64]!r}... does not exist here", param="model", code="model_not_found")
    return name


async def _send(
    kitchen: GatewayServices,
    exchange: Exchange,
    live: KeepAliveStream,
    writer: Any,
    answer: Any,
    left_out: tuple[str, ...],
) -> None:
    """The stream from its first content to its proper end. Whatever happens, it is closed."""
    telling = kitchen.include_cost and exchange.dialect.usage_takes_cost
    try:
        await live.begin(_headers(kitchen, exchange, answer, left_out))
        async for batch in answer.batches:
            data = b"".join(batch if answer.native else map(writer.write, batch))
            if telling:
                data = with_cost(data, answer)
            if data:
                await live.write(data)
        last = b"" if answer.native else writer.close()
        await live.end(with_cost(last, answer) if telling else last)
    finally:
        exchange.cost = cost_text(answer.cost)
        note_usage(exchange, answer.usage)
        await answer.aclose()


async def _end_badly(
    kitchen: GatewayServices, exchange: Exchange, live: KeepAliveStream, writer: Any, error: DragomanError
) -> None:
    """The error as the last event of a stream that has begun, or else as a whole answer."""
    await live.stop()
    if live.open:
        exchange.error = type(error).__name__
        note_error(exchange, error)
        await live.end(kitchen.redactor.bytes(writer.error(error)))
    else:
        await reply_error(exchange, error, kitchen.redactor)


def _headers(
    kitchen: GatewayServices, exchange: Exchange, answer: Answer | StreamAnswer, left_out: Iterable[str]
) -> Headers:
    note_answer(exchange, answer)
    headers = [
        header(b"x-dragoman-model", answer.model),
        header(b"x-dragoman-provider", answer.provider),
        *attempt_headers(answer.attempts, answer.fallback, kitchen.redactor),
    ]
    dropped = (*answer.dropped, *left_out)
    if dropped:
        headers.append(header(b"x-dragoman-dropped-params", ", ".join(dropped)))
    return headers + _passed_on(answer.headers, kitchen.redactor)


def _passed_on(headers: Mapping[str, str], redactor: Redactor) -> Headers:
    """The provider's own headers. An odd one is left out: it may not cost the answer."""
    names = [name for name in headers if name.startswith(_PASSED_ON) and name.isascii()]
    return [
        header(b"llm_provider-" + name.encode(), redactor.text(headers[name]), _LONGEST_PASSED_ON)
        for name in names[:_MOST_PASSED_ON]
        if len(name) <= _LONGEST_PASSED_ON
    ]
