"""The two writers of an answer: in one piece, or as a stream."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from dragoman.dialects.codec import EVENT_STREAM, Codec
from dragoman.errors import BadRequestError, DragomanError
from dragoman.gateway.http.disconnect import DisconnectWatch
from dragoman.gateway.http.exchange import Exchange
from dragoman.gateway.http.failures import reply_error, to_dragoman_error
from dragoman.gateway.http.keep_alive import KeepAliveStream
from dragoman.gateway.http.response_headers import call_headers
from dragoman.gateway.http.services import GatewayServices
from dragoman.gateway.http.stream_cost import with_cost
from dragoman.routing import Answer, Call, StreamAnswer
from dragoman.routing.attempt.invalid_answer import invalid_answer

__all__ = ["StreamReply", "WholeReply"]

_JSON = b"application/json"


class WholeReply:
    """Writes an answer in one piece. A failure is left to the application, which answers all others too."""

    __slots__ = ("_call", "_exchange", "_services")

    def __init__(
        self,
        services: GatewayServices,
        exchange: Exchange,
        codec: Codec[Any, Any, Any],
        call: Call,
        watch: DisconnectWatch,
    ) -> None:
        self._services = services
        self._exchange = exchange
        self._call = call

    async def __aenter__(self) -> WholeReply:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def write(self, answer: Answer | StreamAnswer) -> None:
        if isinstance(answer, StreamAnswer):
            await answer.aclose()
            raise BadRequestError("this cannot be streamed", param="stream")
        data, content_type = self._written(answer)
        exchange = self._exchange
        await exchange.reply(200, data, call_headers(exchange.record, self._services.redactor), content_type)

    def _written(self, answer: Answer) -> tuple[bytes, bytes]:
        """Return the body and its media type."""
        payload = answer.written
        if payload is None:
            if answer.native is not None:
                return answer.native, _JSON
            assert self._call.write is not None
            payload = self._call.write(answer.response)
        return payload.data, payload.content_type.encode("latin-1")


class StreamReply:
    """Writes an answer as it comes. Enter it before the answer is awaited: what keeps the connection alive may have to be sent
    before that, and a failure after it is the last event of the stream."""

    __slots__ = ("_exchange", "_has_events", "_services", "_stream", "_watch", "_writer")

    def __init__(
        self,
        services: GatewayServices,
        exchange: Exchange,
        codec: Codec[Any, Any, Any],
        call: Call,
        watch: DisconnectWatch,
    ) -> None:
        assert call.reply_style is not None
        assert codec.stream_writer is not None
        self._services = services
        self._exchange = exchange
        self._watch = watch
        self._writer = codec.stream_writer(call.reply_style)
        self._has_events = codec.stream_content_type == EVENT_STREAM
        self._stream = KeepAliveStream(
            exchange,
            content_type=_JSON
            if call.reply_style.framing == "json_array"
            else codec.stream_content_type.encode("latin-1"),
            keep_alive_bytes=exchange.dialect.keep_alive_bytes if self._has_events else b"",
            interval=services.keep_alive_seconds,
        )

    async def __aenter__(self) -> StreamReply:
        self._stream.start_timer()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            if error is None or self._watch.disconnected:
                return False
            await self._fail(to_dragoman_error(error, self._exchange))
            return True
        finally:
            self._stream.close()

    async def write(self, answer: Answer | StreamAnswer) -> None:
        """Send the stream from its first content to its proper end. It is closed, whatever happens."""
        assert isinstance(answer, StreamAnswer)
        stream, writer, services = self._stream, self._writer, self._services
        adds_cost = services.include_cost and self._has_events and self._exchange.dialect.usage_takes_cost
        try:
            await stream.begin(call_headers(self._exchange.record, services.redactor))
            async for batch in answer.batches:
                data = b"".join(batch) if answer.native else _join(writer, batch)
                if adds_cost:
                    data = with_cost(data, answer)
                if data:
                    await stream.write(data)
            last = b"" if answer.native else writer.close()
            await stream.end(with_cost(last, answer) if adds_cost else last)
        finally:
            await answer.aclose()

    async def _fail(self, error: DragomanError) -> None:
        """Send the error as the last event of a stream that has begun, or else as a whole answer. A stream that has no place for an
        error is left without its end, so that its caller does not take it for complete."""
        await self._stream.stop()
        if not self._stream.is_open:
            await reply_error(self._exchange, error, self._services.redactor)
            return
        self._exchange.error = type(error).__name__
        last = self._writer.error(error)
        if last or self._has_events:
            await self._stream.end(self._services.redactor.bytes(last))


def _join(writer: Any, batch: list[Any]) -> bytes:
    try:
        return b"".join(map(writer.write, batch))
    except DragomanError:
        raise
    except Exception as error:
        raise invalid_answer(error) from None
