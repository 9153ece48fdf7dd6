"""One attempt: write the request, sign it, send it, read the answer. A stream's first content is part of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from dragoman.dialects import text_as_chat
from dragoman.dialects.dialect import ErrorReply
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.error_details import MAX_ERROR_BYTES
from dragoman.errors import APIError, NotFoundError, Timeout
from dragoman.models import acount_tokens_locally
from dragoman.routing.attempt.content import no_answer
from dragoman.routing.attempt.custom_provider import ask_function, ask_mock
from dragoman.routing.attempt.prepare import PreparedRequest, prepare, target_of
from dragoman.routing.attempt.replies import open_stream, whole_answer
from dragoman.routing.attempt.request import OPERATION_NAMES, AttemptRequest
from dragoman.routing.attempt.send import sign_and_send
from dragoman.routing.attempt.stream import Batches, StreamOutcome, read_batches, read_until_content
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.transport import Reply

__all__ = ["attempt", "not_offered"]


async def attempt(request: AttemptRequest, outcome: StreamOutcome) -> Answer | StreamAnswer:
    """Ask one deployment once. Raises `APIError`."""
    provider = request.deployment.provider
    if request.operation == "text_completion" and _only_chats(request):
        return await _text_as_chat(request, outcome)
    if request.deployment.options.mock_timeout:
        raise Timeout("the deployment is configured with mock_timeout, and was not asked", code="mock_timeout")
    if request.options.is_mock:
        return await ask_mock(request, outcome)
    if provider.function is not None and request.operation != "count_tokens":
        return await ask_function(request, provider.function, outcome)
    endpoint = provider.endpoints.get(request.operation)
    if endpoint is None:
        return await _without_provider(request)
    prepared = prepare(request, endpoint)
    return await (_stream(request, prepared, outcome) if request.stream else _whole(request, prepared))


def _only_chats(request: AttemptRequest) -> bool:
    provider = request.deployment.provider
    if request.options.is_mock or provider.function is not None:
        return True
    return "text_completion" not in provider.endpoints and "chat" in provider.endpoints


async def _text_as_chat(request: AttemptRequest, outcome: StreamOutcome) -> Answer | StreamAnswer:
    """A text completion of a provider who only chats."""
    drops = DropList(target_of(request))
    chat = replace(
        request, operation="chat", hub_request=text_as_chat.chat_request(request.hub_request, drops), source=None
    )
    answer = await attempt(chat, outcome)
    answer.dropped = (*drops.dropped, *answer.dropped)
    if isinstance(answer, Answer):
        answer.response = text_as_chat.text_completion(answer.response)
    elif isinstance(answer.batches, Batches):
        answer.batches = answer.batches.map(lambda batch: [text_as_chat.text_chunk(chunk) for chunk in batch])
    return answer


async def _without_provider(request: AttemptRequest) -> Answer:
    """For an operation that the provider does not offer."""
    provider, model = request.deployment.provider.name, request.deployment.model
    if request.operation != "count_tokens":
        raise not_offered(request)
    return Answer(provider=provider, model=model, response=await _estimate(request), cost=request.cost(None))


def not_offered(request: AttemptRequest) -> NotFoundError:
    provider, model = request.deployment.provider.name, request.deployment.model
    message = f"{provider} offers no {OPERATION_NAMES[request.operation]}"
    return NotFoundError(message, provider=provider, model=model, code="unsupported_operation")


async def _estimate(request: AttemptRequest) -> Any:
    chat = request.hub_request.get("chat") or {}
    model = request.deployment.entry.model if request.deployment.entry is not None else request.deployment.model
    asked = {key: chat.get(key) for key in ("messages", "tools", "tool_choice", "response_format")}
    counted = await acount_tokens_locally(model=model, **asked)
    return {"input_tokens": counted.tokens, "estimated": True}


async def _whole(request: AttemptRequest, prepared: PreparedRequest) -> Answer:
    reply = await sign_and_send(
        prepared.http, request.deployment.provider, request.options, request.transport(), request.timeouts()
    )
    try:
        if reply.status >= 300:
            raise await _error(request, prepared, reply)
        body = await reply.read()
    finally:
        await reply.aclose()
    return whole_answer(request, prepared, reply.headers, body)


async def _stream(request: AttemptRequest, prepared: PreparedRequest, outcome: StreamOutcome) -> StreamAnswer:
    limit = request.first_content
    try:
        async with asyncio.timeout(limit):
            return await _begun(request, prepared, outcome)
    except TimeoutError as error:
        raise Timeout(f"no first content within {limit:g} s") from error


async def _begun(request: AttemptRequest, prepared: PreparedRequest, outcome: StreamOutcome) -> StreamAnswer:
    reply = await sign_and_send(
        prepared.http, request.deployment.provider, request.options, request.transport(), request.timeouts()
    )
    if reply.status >= 300:
        try:
            raise await _error(request, prepared, reply)
        finally:
            await reply.aclose()
    try:
        source, begun, native = await open_stream(request, prepared, reply)
    except BaseException:
        await reply.aclose()
        raise
    rest = read_batches(source, outcome)
    try:
        first = await read_until_content(rest, begun)
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
    if "date" not in headers:  # from which moments count, as in Retry-After
        headers = {**headers, "date": formatdate(request.clock.time(), usegmt=True)}
    return prepared.codec.read_error(
        ErrorReply(request.deployment.provider.name, request.deployment.model, reply.status, headers, body)
    )
