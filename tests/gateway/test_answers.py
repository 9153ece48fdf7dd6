"""What counts as an answer: replies without content, in another form than was asked for, or whose connection stays open."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.gateway.serving import Upstream, chat_chunks, chat_reply, gateway, model, serving
from tests.requirements.serving import CALLERS, asked, events

PROVIDERS = ("openai", "anthropic", "gemini", "groq")
"""The first three speak their callers' dialects, whose bodies pass through; the last only looks like OpenAI."""
BACKUP = "from the backup"


def whole(provider: str, content: str | None, reason: str = "stop") -> dict[str, Any]:
    """A successful reply of `provider`; None: without any content."""
    if provider == "anthropic":
        word = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}[reason]
        blocks = [] if content is None else [{"type": "text", "text": content}]
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "stop_sequence": None}
        return {**head, "content": blocks, "stop_reason": word, "usage": {"input_tokens": 5, "output_tokens": 2}}
    if provider == "gemini":
        word = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}[reason]
        parts = {} if content is None else {"content": {"role": "model", "parts": [{"text": content}]}}
        usage = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
        return {
            "candidates": [{**parts, "finishReason": word, "index": 0}],
            "usageMetadata": usage,
            "modelVersion": "g",
        }
    reply = chat_reply(content or "")
    reply["choices"][0]["finish_reason"] = reason
    return reply


def named(event: dict[str, Any]) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"


def streamed(provider: str, content: str | None, reason: str = "stop") -> list[bytes]:
    """The events of the same reply."""
    reply = whole(provider, content, reason)
    if provider == "gemini":
        return [b"data: " + orjson.dumps(reply) + b"\n\n"]
    if provider == "anthropic":
        start = {"type": "message_start", "message": {**reply, "content": [], "stop_reason": None}}
        block = [
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": content}},
            {"type": "content_block_stop", "index": 0},
        ]
        delta = {"stop_reason": reply["stop_reason"], "stop_sequence": None}
        end = [{"type": "message_delta", "delta": delta, "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
        return [named(event) for event in (start, *(block if content is not None else ()), *end)]
    chunks = chat_chunks(*([content] if content is not None else ()))
    return [chunk.replace(b'"finish_reason":"stop"', b'"finish_reason":"%s"' % reason.encode()) for chunk in chunks]


def text_of(caller: str, body: Any) -> str:
    """The text of an answer, or of the events of one."""
    if isinstance(body, list):
        return "".join(text_of(caller, event) for event in body)
    if caller == "gemini":
        candidates = body.get("candidates") or [{}]
        return "".join(part.get("text", "") for part in candidates[0].get("content", {}).get("parts", ()))
    if caller == "anthropic":
        pieces = [*body.get("content", ()), body.get("delta", {})]
        return "".join(piece.get("text", "") for piece in pieces)
    choice = (body.get("choices") or [{}])[0]
    return (choice.get("message") or choice.get("delta") or {}).get("content") or ""


@contextlib.asynccontextmanager
async def before(provider: str, upstream: Upstream) -> AsyncIterator[str]:
    """A gateway before `upstream`, with a backup that answers."""
    backup = Upstream(lambda up: _answer_as_asked(up))
    async with serving(upstream) as there, serving(backup) as behind:
        listed = [model(there, "m", provider), model(behind, "backup")]
        router = {"num_retries": 0, "fallbacks": [{"m": ["backup"]}], "disable_cooldowns": True}
        async with gateway(listed, router_settings=router) as here:
            yield here


async def _answer_as_asked(upstream: Upstream) -> None:
    if upstream.bodies[-1].get("stream"):
        await upstream.stream(chat_chunks(BACKUP))
    else:
        await upstream.json(chat_reply(BACKUP))


async def ask(client: aiohttp.ClientSession, here: str, caller: str, *, stream: bool) -> tuple[int, Any, str]:
    """The status, the body (of a stream its events) and its text."""
    path, body = asked(caller, stream=stream)
    async with client.post(here + path, json=body) as reply:
        told = await reply.text()
    value = events(told) if stream and reply.status == 200 else orjson.loads(told)
    return reply.status, value, text_of(caller, value)


CELLS = list(itertools.product(CALLERS, PROVIDERS))


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_content_falls_over(client: aiohttp.ClientSession, stream: bool) -> None:
    for caller, provider in CELLS:
        upstream = Upstream(
            lambda up, provider=provider: (  # type: ignore[misc]
                up.stream(streamed(provider, None)) if stream else up.json(whole(provider, None))
            )
        )
        async with before(provider, upstream) as here:
            assert (await ask(client, here, caller, stream=stream))[2] == BACKUP, (caller, provider)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_limit_or_a_filter_explains_an_empty_answer(
    client: aiohttp.ClientSession, stream: bool, reason: str
) -> None:
    for caller, provider in CELLS:
        upstream = Upstream(
            lambda up, provider=provider: (  # type: ignore[misc]
                up.stream(streamed(provider, None, reason)) if stream else up.json(whole(provider, None, reason))
            )
        )
        async with before(provider, upstream) as here:
            status, _, text = await ask(client, here, caller, stream=stream)
            assert (status, text) == (200, ""), (caller, provider)


NOTHINGS: dict[str, list[Any]] = {
    "openai": [
        {"choices": []},
        {"choices": None},
        {},
        {"choices": [{"index": 0, "message": {}, "finish_reason": "stop"}]},
    ],
    "groq": [{"choices": []}, {"choices": None}, {"choices": [{"index": 0, "message": None, "finish_reason": None}]}],
    "anthropic": [{"type": "message", "content": []}, {"type": "message", "content": None}],
    "gemini": [
        {"candidates": []},
        {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]},
        {"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "call:f{"}]},
        {"candidates": [{"finishReason": "OTHER"}], "usageMetadata": {"promptTokenCount": 3}},
    ],
}


async def test_nothing_is_no_answer_in_any_form(client: aiohttp.ClientSession) -> None:
    for provider, bodies in NOTHINGS.items():
        for body, stream in itertools.product(bodies, (False, True)):
            sse = [b"data: " + orjson.dumps(body) + b"\n\n", b"data: [DONE]\n\n"]
            if provider in ("anthropic", "gemini"):
                sse = sse[:1]
            upstream = Upstream(lambda up, sse=sse, body=body, s=stream: up.stream(sse) if s else up.json(body))  # type: ignore[misc]
            async with before(provider, upstream) as here:
                for caller in CALLERS:
                    told = await ask(client, here, caller, stream=stream)
                    assert told[2] == BACKUP, (caller, provider, body, stream, told)


async def test_an_empty_answer_after_the_result_of_a_tool_is_one(client: aiohttp.ClientSession) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons"""
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    tools = [{"name": "f", "input_schema": {"type": "object"}}]
    for stream in (False, True):
        upstream = Upstream(
            lambda up, s=stream: up.stream(streamed("anthropic", None)) if s else up.json(whole("anthropic", None))  # type: ignore[misc]
        )
        async with before("anthropic", upstream) as here:
            body = {"model": "m", "max_tokens": 9, "messages": turns, "tools": tools, "stream": stream}
            async with client.post(f"{here}/v1/messages", json=body) as reply:
                assert reply.status == 200
                assert BACKUP not in await reply.text()


@pytest.mark.parametrize("stream", [False, True])
async def test_the_other_form_than_was_asked_for_is_read(client: aiohttp.ClientSession, stream: bool) -> None:
    """JSON although a stream was asked for, and the reverse; what the content type says does not matter."""
    for (caller, provider), honest in itertools.product(CELLS, (True, False)):

        async def answer(up: Upstream, provider: str = provider, honest: bool = honest) -> None:
            sends_json = stream
            kind = "application/json" if sends_json == honest else "text/event-stream"
            await up.start(200, {"content-type": kind})
            body = orjson.dumps(whole(provider, "Hi")) if sends_json else b"".join(streamed(provider, "Hi"))
            await up.send(b"\n" + body[:20])
            await up.send(body[20:], more=False)

        async with before(provider, Upstream(answer)) as here:
            status, value, text = await ask(client, here, caller, stream=stream)
            assert (status, text) == (200, "Hi"), (caller, provider, honest, value)


ERRORS = {
    "openai": {"error": {"message": "overloaded", "type": "server_error", "code": "503"}},
    "groq": {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}, "choices": None},
    "anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    "gemini": {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}},
}


@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_sent_with_a_200_falls_over(client: aiohttp.ClientSession, stream: bool) -> None:
    for (caller, provider), listed in itertools.product(CELLS, (False, True)):
        body: Any = [ERRORS[provider]] if listed else ERRORS[provider]
        async with before(provider, Upstream(lambda up, body=body: up.json(body))) as here:  # type: ignore[misc]
            assert (await ask(client, here, caller, stream=stream))[2] == BACKUP, (caller, provider, listed)


@pytest.mark.parametrize("ending", ["open", "cut"])
async def test_a_finished_answer_does_not_wait_for_its_connection(client: aiohttp.ClientSession, ending: str) -> None:
    """After the end mark, or without one after the finish reason, a connection may stay open or break."""

    async def one(caller: str, provider: str, marked: bool) -> None:
        async def answer(up: Upstream) -> None:
            sent = streamed(provider, "Hi")
            await up.stream(sent if marked or provider == "gemini" else sent[:-1], end=False)
            if ending == "open":
                await asyncio.Event().wait()
            raise ConnectionResetError  # uvicorn closes the connection in the midst of the body

        async with before(provider, Upstream(answer)) as here:
            status, value, text = await ask(client, here, caller, stream=True)
            assert (status, text) == (200, "Hi"), (caller, provider, marked)
            assert "error" not in str(value)

    async with asyncio.timeout(60):  # of the 120 s that an idle connection has
        await asyncio.gather(*(one(*cell, marked) for cell in CELLS for marked in (False, True)))


async def test_a_connection_is_kept_although_its_body_ends_after_the_end_mark(client: aiohttp.ClientSession) -> None:
    peers: list[Any] = []
    ended = asyncio.Event()

    async def answer(up: Upstream) -> None:
        await up.stream(chat_chunks("Hi"), end=False)
        await asyncio.sleep(0.05)
        await up.send(b"", more=False)
        ended.set()

    upstream = Upstream(answer)

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            peers.append(scope["client"])
        await upstream(scope, receive, send)

    async with serving(noting) as there, gateway([model(there, "m")]) as here:
        for _ in range(3):
            ended.clear()
            assert (await ask(client, here, "openai", stream=True))[2] == "Hi"
            await ended.wait()
            await asyncio.sleep(0.05)
    assert len(peers) == 3
    assert len(set(peers)) == 1


async def test_what_is_broken_in_the_midst_of_a_relayed_stream_is_an_error(client: aiohttp.ClientSession) -> None:
    for provider in ("openai", "anthropic", "gemini"):
        first, *rest = streamed(provider, "Hi") if provider != "gemini" else [*streamed(provider, "Hi"), b""]
        sent = [first, *rest[:2], b'data: {"broken": \n\n', *rest[2:]]
        async with before(provider, Upstream(lambda up, sent=sent: up.stream(sent))) as here:  # type: ignore[misc]
            status, value, _ = await ask(client, here, provider, stream=True)
            assert status == 200
            assert "error" in value[-1], provider
