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
from dragoman.routing.attempt.replies import open_stream, whole_answer
from dragoman.routing.attempt.request import OPERATION_NAMES, AttemptRequest
from dragoman.routing.attempt.stream import Batches, StreamOutcome, read_batches, read_until_content
from dragoman.routing.attempt.wire import PreparedRequest, prepare, target_of
from dragoman.routing.call import Answer, StreamAnswer
from dragoman.transport import Reply

__all__ = ["attempt", "not_offered"]


async def attempt(job: AttemptRequest, ending: StreamOutcome) -> Answer | StreamAnswer:
    """Ask one deployment once. Raises `APIError`."""
    provider = job.deployment.provider
    if job.operation == "text_completion" and _only_chats(job):
        return await _text_as_chat(job, ending)
    if job.deployment.options.mock_timeout:
        raise Timeout("the deployment is configured with mock_timeout, and was not asked", code="mock_timeout")
    if job.options.is_mock:
        return await ask_mock(job, ending)
    if provider.function is not None and job.operation != "count_tokens":
        return await ask_function(job, provider.function, ending)
    endpoint = provider.endpoints.get(job.operation)
    if endpoint is None:
        return await _without_provider(job)
    sending = prepare(job, endpoint)
    return await (_stream(job, sending, ending) if job.stream else _whole(job, sending))


def _only_chats(job: AttemptRequest) -> bool:
    provider = job.deployment.provider
    if job.options.is_mock or provider.function is not None:
        return True
    return "text_completion" not in provider.endpoints and "chat" in provider.endpoints


async def _text_as_chat(job: AttemptRequest, ending: StreamOutcome) -> Answer | StreamAnswer:
    """A text completion of a provider who only chats."""
    drops = DropList(target_of(job))
    chat = replace(job, operation="chat", request=text_as_chat.chat_request(job.request, drops), source=None)
    answer = await attempt(chat, ending)
    answer.dropped = (*drops.dropped, *answer.dropped)
    if isinstance(answer, Answer):
        answer.response = text_as_chat.text_completion(answer.response)
    elif isinstance(answer.batches, Batches):
        answer.batches = answer.batches.map(lambda batch: [text_as_chat.text_chunk(chunk) for chunk in batch])
    return answer


async def _without_provider(job: AttemptRequest) -> Answer:
    """For an operation that the provider does not offer."""
    provider, model = job.deployment.provider.name, job.deployment.model
    if job.operation != "count_tokens":
        raise not_offered(job)
    return Answer(provider=provider, model=model, response=await _estimate(job), cost=job.cost(None))


def not_offered(job: AttemptRequest) -> NotFoundError:
    provider, model = job.deployment.provider.name, job.deployment.model
    message = f"{provider} offers no {OPERATION_NAMES[job.operation]}"
    return NotFoundError(message, provider=provider, model=model, code="unsupported_operation")


async def _estimate(job: AttemptRequest) -> Any:
    chat = job.request.get("chat") or {}
    model = job.deployment.entry.model if job.deployment.entry is not None else job.deployment.model
    asked = {key: chat.get(key) for key in ("messages", "tools", "tool_choice", "response_format")}
    counted = await acount_tokens_locally(model=model, **asked)
    return {"input_tokens": counted.tokens, "estimated": True}


async def _whole(job: AttemptRequest, sending: PreparedRequest) -> Answer:
    reply = await _send(job, sending)
    try:
        if reply.status >= 300:
            raise await _error(job, sending, reply)
        body = await reply.read()
    finally:
        await reply.aclose()
    return whole_answer(job, sending, reply.headers, body)


async def _stream(job: AttemptRequest, sending: PreparedRequest, ending: StreamOutcome) -> StreamAnswer:
    limit = job.first_content
    try:
        async with asyncio.timeout(limit):
            return await _begun(job, sending, ending)
    except TimeoutError as error:
        raise Timeout(f"no first content within {limit:g} s") from error


async def _begun(job: AttemptRequest, sending: PreparedRequest, ending: StreamOutcome) -> StreamAnswer:
    reply = await _send(job, sending)
    if reply.status >= 300:
        try:
            raise await _error(job, sending, reply)
        finally:
            await reply.aclose()
    try:
        source, begun, native = await open_stream(job, sending, reply)
    except BaseException:
        await reply.aclose()
        raise
    rest = read_batches(source, ending)
    try:
        first = await read_until_content(rest, begun)
        if first is None:
            raise no_answer(job)
    except BaseException:
        await rest.aclose()
        raise
    return StreamAnswer(
        provider=job.deployment.provider.name,
        model=job.deployment.model,
        dropped=sending.dropped,
        headers=reply.headers,
        batches=Batches(first, rest),
        native=native,
        pricing=job.pricing(),
    )


async def _send(job: AttemptRequest, sending: PreparedRequest) -> Reply:
    return await job.transport().send(
        "POST", sending.url, headers=sending.headers, body=sending.body, timeouts=job.timeouts()
    )


async def _error(job: AttemptRequest, sending: PreparedRequest, reply: Reply) -> APIError:
    headers, body = reply.headers, await reply.read_start(MAX_ERROR_BYTES)
    if "date" not in headers:  # from which moments count, as in Retry-After
        headers = {**headers, "date": formatdate(job.clock.time(), usegmt=True)}
    return sending.codec.read_error(
        ErrorReply(job.deployment.provider.name, job.deployment.model, reply.status, headers, body)
    )
