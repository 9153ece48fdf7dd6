"""One attempt: write the request, sign it, send it, read the answer. A stream's first content is part of the attempt."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from dragoman.dialects.codec import ErrorReply
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.error_details import MAX_ERROR_BYTES
from dragoman.dialects.text_as_chat import STAND_INS, StandIn
from dragoman.errors import APIError, DragomanError, NotFoundError, Timeout, error_for_status
from dragoman.models import acount_tokens_locally
from dragoman.routing.attempt.content import no_answer
from dragoman.routing.attempt.custom_provider import ask_function, ask_mock
from dragoman.routing.attempt.invalid_answer import invalid_answer
from dragoman.routing.attempt.prepare import PreparedRequest, prepare, target_of
from dragoman.routing.attempt.replies import open_stream, read_whole
from dragoman.routing.attempt.request import AttemptRequest
from dragoman.routing.attempt.send import sign_and_send
from dragoman.routing.attempt.stream import Batches, StreamOutcome, read_batches, read_until_content
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.transport import Reply

__all__ = ["attempt", "by_stand_in", "not_offered", "stand_in_of"]

_log = logging.getLogger("dragoman.routing")


async def attempt(request: AttemptRequest, outcome: StreamOutcome) -> Answer | StreamAnswer:
    """Call one deployment once, and return its answer. Raise `APIError`."""
    provider = request.deployment.provider
    if request.operation in STAND_INS and (stand_in := stand_in_of(request)) is not None:
        return await _by_stand_in(request, stand_in, outcome)
    if request.deployment.options.mock_timeout:
        raise Timeout("the deployment is configured with mock_timeout, and was not called", code="mock_timeout")
    if request.options.is_mock:
        return await ask_mock(request, outcome)
    if provider.function is not None and not request.operation.estimated:
        return await ask_function(request, provider.function, outcome)
    endpoint = provider.endpoints.get(request.operation.name)
    if endpoint is None:
        return await _without_provider(request)
    prepared = prepare(request, endpoint)
    return await (_stream(request, prepared, outcome) if request.stream else _whole(request, prepared))


def stand_in_of(request: AttemptRequest) -> StandIn | None:
    """Return the operation that replaces the request's, or None if the deployment offers the request's own."""
    stand_in = STAND_INS.get(request.operation)
    if stand_in is None:
        return None
    provider = request.deployment.provider
    if request.options.is_mock or provider.function is not None:
        return stand_in
    is_needed = request.operation.name not in provider.endpoints and stand_in.operation.name in provider.endpoints
    return stand_in if is_needed else None


def by_stand_in(request: AttemptRequest, stand_in: StandIn) -> tuple[AttemptRequest, tuple[str, ...]]:
    """Return the request for the other operation, and the parameters that it cannot express. Raise `UnsupportedParamsError`."""
    drops = DropList(target_of(request))
    hub_request = stand_in.write_request(request.hub_request, drops)
    return replace(request, operation=stand_in.operation, hub_request=hub_request, source=None), drops.dropped


async def _by_stand_in(request: AttemptRequest, stand_in: StandIn, outcome: StreamOutcome) -> Answer | StreamAnswer:
    other, dropped = by_stand_in(request, stand_in)
    answer = await attempt(other, outcome)
    answer.dropped = (*dropped, *answer.dropped)
    if isinstance(answer, Answer):
        try:
            answer.response = stand_in.read_response(answer.response)
        except Exception as error:
            raise invalid_answer(error) from None
    elif isinstance(answer.batches, Batches):
        answer.batches = answer.batches.map(lambda batch: list(map(stand_in.read_chunk, batch)))
    return answer


async def _without_provider(request: AttemptRequest) -> Answer:
    """Answer an operation that the provider does not offer: by estimate, or not at all."""
    provider, model = request.deployment.provider.name, request.deployment.model
    if not request.operation.estimated:
        raise not_offered(request)
    return Answer(provider=provider, model=model, response=await _estimate(request), cost=request.cost(None))


def not_offered(request: AttemptRequest) -> NotFoundError:
    """Return the error for an operation that the provider does not offer."""
    provider, model = request.deployment.provider.name, request.deployment.model
    message = f"{provider} offers no {request.operation.label}"
    return NotFoundError(message, provider=provider, model=model, code="unsupported_operation")


async def _estimate(request: AttemptRequest) -> Any:
    chat = request.operation.chat_of(request.hub_request)
    model = request.deployment.entry.model if request.deployment.entry is not None else request.deployment.model
    fields = {key: chat.get(key) for key in ("messages", "tools", "tool_choice", "response_format")}
    tally = await acount_tokens_locally(model=model, **fields)
    return {"input_tokens": tally.tokens, "estimated": True}


async def _whole(request: AttemptRequest, prepared: PreparedRequest) -> Answer:
    reply = await sign_and_send(
        prepared.http, request.deployment.provider, request.options, request.transport(), request.timeouts()
    )
    try:
        if reply.status >= 300:
            raise await _error(request, prepared, reply)
        return await read_whole(request, prepared, reply)
    except DragomanError:
        raise
    except Exception as error:
        raise invalid_answer(error) from None
    finally:
        await reply.aclose()


async def _stream(request: AttemptRequest, prepared: PreparedRequest, outcome: StreamOutcome) -> StreamAnswer:
    limit = request.first_content
    try:
        async with asyncio.timeout(limit):
            return await _open(request, prepared, outcome)
    except TimeoutError as error:
        raise Timeout(f"no first content within {limit:g} s") from error


async def _open(request: AttemptRequest, prepared: PreparedRequest, outcome: StreamOutcome) -> StreamAnswer:
    reply = await sign_and_send(
        prepared.http, request.deployment.provider, request.options, request.transport(), request.timeouts()
    )
    if reply.status >= 300:
        try:
            raise await _error(request, prepared, reply)
        finally:
            await reply.aclose()
    try:
        return await _read_stream(request, prepared, outcome, reply)
    except DragomanError:
        raise
    except Exception as error:
        raise invalid_answer(error) from None


async def _read_stream(
    request: AttemptRequest, prepared: PreparedRequest, outcome: StreamOutcome, reply: Reply
) -> StreamAnswer:
    """Read up to the first content."""
    try:
        source, has_begun, native = await open_stream(request, prepared, reply)
    except BaseException:
        await reply.aclose()
        raise
    rest = read_batches(source, outcome)
    try:
        first = await read_until_content(rest, has_begun)
        if first is None:
            raise no_answer(request)
    except BaseException:
        await rest.aclose()
        raise
    return StreamAnswer(
        provider=request.deployment.provider.name,
        model=request.deployment.model,
        dropped=prepared.dropped,
        headers=reply.headers,
        batches=Batches(first, rest),
        native=native,
        pricing=request.pricing(),
    )


async def _error(request: AttemptRequest, prepared: PreparedRequest, reply: Reply) -> APIError:
    headers, body = reply.headers, await reply.read_start(MAX_ERROR_BYTES)
    if "date" not in headers:  # relative times count from it, as in Retry-After
        headers = {**headers, "date": formatdate(request.clock.time(), usegmt=True)}
    provider, model = request.deployment.provider.name, request.deployment.model
    try:
        return prepared.codec.read_error(ErrorReply(provider, model, reply.status, headers, body))
    except Exception as error:
        _log.error("the error of %s could not be read", provider, exc_info=error)
        return error_for_status(reply.status)(f"status {reply.status}", provider=provider, model=model)
