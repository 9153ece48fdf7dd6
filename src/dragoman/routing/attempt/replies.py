"""A successful reply into an answer, whatever its form: a provider may send JSON where a stream was asked for, or a stream
where it was not. What passes through untouched is judged as well."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import orjson

from dragoman.dialects.call_ids import FreshCallIds
from dragoman.dialects.dialect import StreamEnd
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.redaction import scrub
from dragoman.errors import APIResponseValidationError, NotFoundError
from dragoman.routing.attempt.content import has_content, may_be_empty, require_content
from dragoman.routing.attempt.request import OPERATION_NAMES, AttemptRequest
from dragoman.routing.attempt.reshape import joined_chunks, split_response
from dragoman.routing.attempt.stream import StreamSource, chunk_usage
from dragoman.routing.attempt.wire import PreparedRequest
from dragoman.routing.call import Answer
from dragoman.transport import Reply

__all__ = ["open_stream", "whole_answer"]

_SSE = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]{0,1000}(?:data|event|id|retry)?:")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_LINGER = 1.0
"""Seconds that a connection has to end a body whose content is complete, before it is closed."""

Begun = Callable[[list[Any]], bool]


def whole_answer(job: AttemptRequest, sending: PreparedRequest, headers: Mapping[str, str], body: bytes) -> Answer:
    """Read a whole body. Raises `APIError` for an error, for what is no answer, and for an answer without content."""
    answer = Answer(
        provider=job.deployment.provider.name,
        model=job.deployment.model,
        dropped=sending.dropped,
        headers=headers,
    )
    streamed = _SSE.match(body) is not None
    parsed = _joined(job, sending, body) if streamed else _object(job, sending, body)
    codec = sending.codec
    if sending.native and not streamed:
        if not codec.has_answer(parsed):
            require_content(job, codec.read_response(parsed, sending.context))
        answer.native = body
        answer.usage = codec.read_usage(parsed) if codec.read_usage is not None else None
    else:
        response = parsed if streamed else codec.read_response(parsed, sending.context)
        answer.response = FreshCallIds(sending.context.call_ids).whole(response)
        require_content(job, answer.response)
        answer.usage = answer.response.get("usage")
    answer.cost = job.cost(answer.usage)
    return answer


def _joined(job: AttemptRequest, sending: PreparedRequest, body: bytes) -> Any:
    """The hub's response, from the events of a stream."""
    reader = _reader(job, sending)
    return joined_chunks([*reader.feed(body), *reader.close()])


def _object(job: AttemptRequest, sending: PreparedRequest, body: bytes) -> Any:
    try:
        parsed = loads(body)
    except orjson.JSONDecodeError as error:
        said = scrub(body[:200].decode("utf-8", "replace"))
        raise APIResponseValidationError(f"the answer is not JSON: {error}", body=said) from error
    if isinstance(parsed, list) and len(parsed) == 1:
        parsed = parsed[0]  # Google sends errors so
    if not isinstance(parsed, dict):
        raise APIResponseValidationError(f"the answer is {type(parsed).__name__}, not an object")
    return parsed


def _reader(job: AttemptRequest, sending: PreparedRequest) -> Any:
    if sending.codec.stream_reader is None:
        raise NotFoundError(
            f"{job.deployment.provider.name} streams no {OPERATION_NAMES[job.operation]}", code="unsupported_operation"
        )
    return sending.codec.stream_reader(sending.context)


async def open_stream(job: AttemptRequest, sending: PreparedRequest, reply: Reply) -> tuple[StreamSource, Begun, bool]:
    """How a stream is read, how to tell that its content has begun, and whether it passes through untouched."""
    may_end_empty = may_be_empty(job)
    reads = reply.chunks()
    head = await _head(reads)
    kind = head.lstrip(_BLANK)[:1]
    if kind == b"{":
        answer = whole_answer(job, sending, reply.headers, head + await reply.read())
        response = answer.response
        if answer.native is not None:
            response = sending.codec.read_response(loads(answer.native), sending.context)
        return _of_chunks(split_response(response)), lambda _batch: True, False
    native = sending.native and sending.codec.stream_relay is not None and kind != b"["
    if native and sending.codec.stream_relay is not None:
        relay = sending.codec.stream_relay(sending.context, job.reply_style)
        source = _source(reply, _again(head, reads), relay, lambda _batch: relay.usage)
        return source, lambda _batch: relay.begun or (may_end_empty and relay.finished), True
    reader = _reader(job, sending)
    ids = FreshCallIds(sending.context.call_ids)
    source = _source(reply, _again(head, reads), reader, chunk_usage, ids.stream)
    return source, lambda batch: has_content(batch) or (may_end_empty and reader.finished), False


async def _head(reads: AsyncIterator[bytes]) -> bytes:
    """The first piece of a body that is more than white space."""
    head = b""
    async for piece in reads:
        head = (head + piece)[-_MOST_BLANK:] if not piece.strip(_BLANK) else head + piece
        if head.strip(_BLANK):
            break
    return head


_MOST_BLANK = 1024


async def _again(head: bytes, reads: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
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
    turned: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> StreamSource:
    """`turned` changes what the reader gives."""
    end: StreamEnd = reader

    async def release() -> None:
        if end.complete:
            reply.let_end(_LINGER)
        await reads.aclose()
        await reply.aclose()

    return StreamSource(
        reads=reads,
        feed=lambda data: turned(reader.feed(data)),
        close=lambda: turned(reader.close()),
        usage=usage,
        release=release,
        end=end,
    )


def _of_chunks(chunks: list[Any]) -> StreamSource:
    async def reads() -> AsyncGenerator[list[Any]]:
        yield chunks

    async def release() -> None: ...

    return StreamSource(reads=reads(), feed=list, close=tuple, usage=chunk_usage, release=release)
