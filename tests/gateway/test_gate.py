# ruff: noqa: SIM117 - servers outside, calls inside
"""Every call that the gate has admitted is settled exactly once, over a real server and whatever ends the call."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest

from dragoman.errors import CallerAuthenticationError, RateLimitError
from dragoman.gateway.app import Gateway
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.governance import Background, RouteAccess, Ticket
from dragoman.routing import Call
from dragoman.types.call_record import CallRecord
from dragoman.types.caller import Caller
from tests.gateway.serving import Upstream, chat_chunks, chat_reply, gateway, model, serving, until
from tests.gateway.test_hang_up import SERVERS, call

CALLS = 20
HELLO = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}
Script = Callable[[Upstream], Awaitable[None]]


class CountingGate:
    """Lets every caller in, and counts what it takes and settles, each in several turns of the loop."""

    def __init__(self, refuses: bool = False) -> None:
        self.background = Background()
        self.callers: set[str] = set()
        self.taken: Counter[str] = Counter()
        self.settled: Counter[str] = Counter()
        self.records: list[CallRecord | None] = []
        self.refuses = refuses

    async def authenticate(self, route: RouteAccess, headers: Mapping[str, str], query: bytes) -> Caller:
        await asyncio.sleep(0)
        key = headers.get("authorization", "").removeprefix("Bearer ")
        if not key:
            raise CallerAuthenticationError("no key")
        return Caller(key_id=f"id of {key[:5]}", team="blue")

    def admit(self, caller: Caller, call: Call) -> Ticket:
        self.callers.add(f"{caller.key_id} {call.caller.team}")
        return Ticket(call, _Counted(self, call.request_id), self.background)

    async def aclose(self) -> None:
        await self.background.aclose()

    @property
    def lost(self) -> list[str]:
        """What was not settled exactly once."""
        return [name for name in self.taken | self.settled if (self.taken[name], self.settled[name]) != (1, 1)]


class _Counted:
    def __init__(self, gate: CountingGate, request_id: str) -> None:
        self._gate, self._request_id = gate, request_id

    async def take(self) -> None:
        await asyncio.sleep(0.001)
        if self._gate.refuses:
            raise RateLimitError("the budget is spent", retry_after=7)
        self._gate.taken[self._request_id] += 1

    async def settle(self, record: CallRecord | None) -> None:
        await asyncio.sleep(0.001)
        self._gate.settled[self._request_id] += 1
        self._gate.records.append(record)


class Provider:
    """Answers many calls at the same time, each by an `Upstream` of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.calls: list[Upstream] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            upstream = Upstream(self._script)
            self.calls.append(upstream)
            await upstream(scope, receive, send)

    @property
    def asked(self) -> int:
        return sum(upstream.asked.is_set() for upstream in self.calls)


async def whole(up: Upstream) -> None:
    await up.json(chat_reply())


async def stream(up: Upstream) -> None:
    await up.stream(chat_chunks("a", "b"))


async def failure(up: Upstream) -> None:
    await up.json({"error": {"message": "broken"}}, 500)


async def broken_off(up: Upstream) -> None:
    await up.stream([*chat_chunks("a")[:-2], b'data: {"error": {"message": "broken", "code": "x"}}\n\n'])


async def never(up: Upstream) -> None:
    await asyncio.sleep(30)


async def endless(up: Upstream) -> None:
    await up.stream(chat_chunks("a", "b")[:-2], end=False)
    await asyncio.sleep(30)


@SERVERS
@pytest.mark.parametrize(
    ("script", "streams", "fails"),
    [
        (whole, False, False),
        (stream, True, False),
        (failure, False, True),
        (failure, True, True),
        (broken_off, True, True),
    ],
)
async def test_answers_and_failures_are_settled(
    client: aiohttp.ClientSession, script: Script, streams: bool, fails: bool, server: Any
) -> None:
    gate = CountingGate()

    async def ask(here: str) -> None:
        async with client.post(f"{here}/v1/chat/completions", json={**HELLO, "stream": streams}) as reply:
            await reply.read()

    async with serving(Provider(script)) as there:
        async with gateway([model(there)], server, gate, router_settings={"num_retries": 0}) as here:
            await asyncio.gather(*(ask(here) for _ in range(CALLS)))
    assert (len(gate.taken), gate.lost) == (CALLS, [])
    assert gate.callers == {"id of sk-f3 blue"}
    assert all(record is not None and bool(record.error) is fails for record in gate.records)
    if not fails and not streams:
        assert all(record is not None and record.usage for record in gate.records)


@SERVERS
@pytest.mark.parametrize(
    ("script", "streams", "read_until"),
    [(never, False, b""), (never, True, b""), (endless, True, b'"b"')],
)
async def test_callers_that_disconnect_are_settled(
    script: Script, streams: bool, read_until: bytes, server: Any
) -> None:
    gate, upstream = CountingGate(), Provider(script)
    async with serving(upstream) as there, gateway([model(there)], server, gate) as here:
        lines = await asyncio.gather(*(call(here, streams) for _ in range(CALLS)))
        await until(lambda: upstream.asked == CALLS)
        if read_until:
            await asyncio.gather(*(reader.readuntil(read_until) for reader, _ in lines))
        for _, writer in lines:
            writer.close()
        await until(lambda: gate.settled.total() >= CALLS)
    assert (len(gate.taken), gate.lost) == (CALLS, [])
    assert all(record is not None and record.error for record in gate.records)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("cancellations", [1, 2, 5])
async def test_calls_that_the_server_cancels_are_settled(streams: bool, cancellations: int) -> None:
    """As uvicorn does with those that are not over when it must stop."""
    gate, upstream, body = (
        CountingGate(),
        Provider(endless),
        b'{"model":"smart","messages":[{"role":"user","content":"hi"}]}',
    )
    if streams:
        body = body[:-1] + b',"stream":true}'

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: object) -> None:
        await asyncio.sleep(0)

    async with serving(upstream) as there:
        app = Gateway(parse_config({"model_list": [model(there)]}, {}), gate=gate)
        headers = [(b"host", b"localhost"), (b"authorization", b"Bearer sk-test")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "query_string": b"",
            "headers": headers,
            "extensions": {"dragoman.on_disconnect": lambda callback: None},
        }
        tasks = [asyncio.create_task(app({**scope}, receive, send)) for _ in range(CALLS)]
        await until(lambda: upstream.asked == CALLS)
        for _ in range(cancellations):
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait(tasks)
        await gate.aclose()
        await app._services.router.aclose()
    assert (len(gate.taken), gate.lost) == (CALLS, [])


async def test_a_refused_call_reaches_no_provider_and_is_told_in_the_callers_dialect(
    client: aiohttp.ClientSession,
) -> None:
    gate, upstream = CountingGate(refuses=True), Upstream()
    async with serving(upstream) as there, gateway([model(there)], gate=gate) as here:
        async with client.post(f"{here}/v1/messages", json={**HELLO, "max_tokens": 5}) as reply:
            told = await reply.json()
    assert (reply.status, reply.headers["retry-after"], reply.headers["x-dragoman-attempts"]) == (429, "7", "0")
    assert told["error"]["type"] == "rate_limit_error"
    assert (upstream.bodies, gate.settled) == ([], {})


async def test_a_call_that_finds_no_model_is_settled(client: aiohttp.ClientSession) -> None:
    gate = CountingGate()
    async with serving(Upstream()) as there, gateway([model(there)], gate=gate) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**HELLO, "model": "unknown"}) as reply:
            assert reply.status == 404
    assert (len(gate.taken), gate.lost) == (1, [])


async def test_a_gate_decides_about_pages_too(stranger: aiohttp.ClientSession) -> None:
    async with gateway([model("http://127.0.0.1:1")], gate=CountingGate()) as here:
        async with stranger.get(f"{here}/v1/models") as reply:
            assert reply.status == 401
        async with stranger.get(f"{here}/health/liveliness") as reply:
            assert reply.status == 200
