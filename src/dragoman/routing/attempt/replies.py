"""Turn a successful reply into an answer, whatever its form: a provider may send JSON where a stream was requested, or a stream
where it was not. What passes through untouched is judged as well."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import orjson

from dragoman.dialects.call_ids import FreshCallIds
from dragoman.dialects.codec import EVENT_STREAM, Payload, StreamEnd
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.redaction import scrub
from dragoman.errors import APIResponseValidationError, NotFoundError
from dragoman.routing.attempt.content import has_content, may_be_empty, require_content
from dragoman.routing.attempt.prepare import PreparedRequest
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.attempt.reshape import joined_chunks, split_response
from dragoman.routing.attempt.stream import StreamOutcome, StreamSource, chunk_usage, read_batches
from dragoman.routing.call import Answer
from dragoman.transport import Reply

__all__ = ["open_stream", "read_whole"]

_SSE = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]{0,1000}(?:data|event|id|retry)?:")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_LINGER = 1.0
"""Seconds that a connection has to end a body whose content is complete, before it is closed."""

Begun = Callable[[list[Any]], bool]


async def read_whole(request: AttemptRequest, prepared: PreparedRequest, reply: Reply) -> Answer:
    """Read a whole answer. Raise `APIError`.

    A stream in its place ends with its end mark: its server may leave the connection open."""
    is_stream = reply.headers.get("content-type", "").lower().startswith("text/event-stream")
    if not is_stream or prepared.codec.stream_reader is None:
        return _whole_answer(request, prepared, reply.headers, await reply.read())
    reads = reply.chunks()
    head = await _head(reads)
    if _SSE.match(head) is None:
        return _whole_answer(request, prepared, reply.headers, head + await reply.read())
    source = _source(reply, _replay(head, reads), _reader(request, prepared), chunk_usage)
    chunks = [chunk async for batch in read_batches(source, StreamOutcome()) for chunk in batch]
    return _complete(request, prepared, _empty_answer(request, prepared, reply.headers), joined_chunks(chunks))


def _empty_answer(request: AttemptRequest, prepared: PreparedRequest, headers: Mapping[str, str]) -> Answer:
    deployment = request.deployment
    return Answer(provider=deployment.provider.name, model=deployment.model, dropped=prepared.dropped, headers=headers)


def _whole_answer(
    request: AttemptRequest, prepared: PreparedRequest, headers: Mapping[str, str], body: bytes
) -> Answer:
    """Read a whole body. Raise `APIError` for an error, for what is no answer, and for an answer without content."""
    answer = _empty_answer(request, prepared, headers)
    codec = prepared.codec
    if codec.read_response_payload is not None:
        response = codec.read_response_payload(Payload(body, headers.get("content-type", "")), prepared.context)
    elif _SSE.match(body) is not None:
        response = _joined(request, prepared, body)
    else:
        parsed = _object(body)
        if prepared.native:
            return _native_answer(request, prepared, answer, parsed, body)
        response = codec.read_response(parsed, prepared.context)
    return _complete(request, prepared, answer, response)


def _complete(request: AttemptRequest, prepared: PreparedRequest, answer: Answer, response: Any) -> Answer:
    answer.response = FreshCallIds(prepared.context.call_ids).whole(response)
    require_content(request, answer.response)
    answer.usage = answer.response.get("usage")
    answer.cost = request.cost(answer.usage)
    return answer


def _native_answer(
    request: AttemptRequest, prepared: PreparedRequest, answer: Answer, parsed: Any, body: bytes
) -> Answer:
    """Complete the answer whose body passes through."""
    codec = prepared.codec
    if not codec.has_answer(parsed):
        require_content(request, codec.read_response(parsed, prepared.context))
    answer.native = body
    answer.usage = codec.read_usage(parsed) if codec.read_usage is not None else None
    answer.cost = request.cost(answer.usage)
    return answer


def _joined(request: AttemptRequest, prepared: PreparedRequest, body: bytes) -> Any:
    """Return the hub's response, from the events of a stream."""
    reader = _reader(request, prepared)
    return joined_chunks([*reader.feed(body), *reader.close()])


def _object(body: bytes) -> Any:
    try:
        parsed = loads(body)
    except orjson.JSONDecodeError as error:
        start = scrub(body[:200].decode("utf-8", "replace"))
        raise APIResponseValidationError(f"the answer is not JSON: {error}", body=start) from error
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]  # Google sends errors so
    if not isinstance(parsed, dict):
        raise APIResponseValidationError(f"the answer is {type(parsed).__name__}, not an object")
    return parsed


def _reader(request: AttemptRequest, prepared: PreparedRequest) -> Any:
    if prepared.codec.stream_reader is None:
        raise NotFoundError(
            f"{request.deployment.provider.name} streams no {request.operation.label}",
            code="unsupported_operation",
        )
    return prepared.codec.stream_reader(prepared.context)


async def open_stream(
    request: AttemptRequest, prepared: PreparedRequest, reply: Reply
) -> tuple[StreamSource, Begun, bool]:
    """Return how a stream is read, how to tell that its content has begun, and whether it passes through untouched."""
    codec, reads = prepared.codec, reply.chunks()
    if codec.stream_content_type != EVENT_STREAM:
        return _source(reply, reads, _reader(request, prepared), chunk_usage), bool, False
    may_end_empty = may_be_empty(request)
    head = await _head(reads)
    kind = head.lstrip(_BLANK)[:1]
    if kind == b"{":
        body = head + await reply.read()
        await reads.aclose()
        return _split_whole(request, prepared, reply.headers, body)
    reads = _replay(head, reads)
    if prepared.native and codec.stream_relay is not None and kind != b"[":
        relay = codec.stream_relay(prepared.context, request.reply_style)
        source = _source(reply, reads, relay, lambda _batch: relay.usage)
        return source, lambda _batch: relay.begun or (may_end_empty and relay.finished), True
    reader = _reader(request, prepared)
    source = _source(reply, reads, reader, chunk_usage, FreshCallIds(prepared.context.call_ids).stream)
    return source, lambda batch: has_content(batch) or (may_end_empty and reader.finished), False


def _split_whole(
    request: AttemptRequest, prepared: PreparedRequest, headers: Mapping[str, str], body: bytes
) -> tuple[StreamSource, Begun, bool]:
    """Return a stream from a provider that answered with JSON."""
    answer = _whole_answer(request, prepared, headers, body)
    response = answer.response
    if answer.native is not None:
        response = prepared.codec.read_response(loads(answer.native), prepared.context)
    return _of_chunks(split_response(response)), lambda _batch: True, False


async def _head(reads: AsyncIterator[bytes]) -> bytes:
    """Return the beginning of a body, up to the first piece that is more than white space."""
    head = b""
    async for piece in reads:
        head = (head + piece)[-_MOST_BLANK:] if not piece.strip(_BLANK) else head + piece
        if head.strip(_BLANK):
            break
    return head


_MOST_BLANK = 1024


async def _replay(head: bytes, reads: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        if head:
            yield head
        async for piece in reads:
            yield piece
    finally:
        await reads.aclose()


def _source(
    reply: Reply,
    reads: AsyncGenerator[bytes],
    reader: Any,
    usage: Callable[[list[Any]], Any],
    convert: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> StreamSource:
    """`convert` changes what the reader yields."""
    end: StreamEnd = reader

    async def release() -> None:
        if end.complete:
            reply.let_end(_LINGER)
        await reads.aclose()
        await reply.aclose()

    return StreamSource(
        reads=reads,
        feed=lambda data: convert(reader.feed(data)),
        close=lambda: convert(reader.close()),
        usage=usage,
        release=release,
        end=end,
    )


def _of_chunks(chunks: list[Any]) -> StreamSource:
    async def reads() -> AsyncGenerator[list[Any]]:
        yield chunks

    async def release() -> None: ...

    return StreamSource(reads=reads(), feed=list, close=tuple, usage=chunk_usage, release=release)
