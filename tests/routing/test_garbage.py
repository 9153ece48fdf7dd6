"""What failed is let go at once, with all that was read of it: nothing of a call waits for the garbage collector."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from dragoman import errors
from dragoman.providers import Providers
from dragoman.routing import CallOptions, CallRouter, Deployment, RouterSettings, StreamAnswer
from dragoman.routing.settings.hedge import HedgePolicy
from tests.garbage import collected, nothing_stays, ours
from tests.routing.test_router import chat
from tests.upstreams.faulty import FaultyUpstream, faulty
from tests.upstreams.raw import CHUNKED, Link, chunk, serving

FAULTS = [
    "500",
    "429",
    "refused",
    "malformed",
    "error first",
    "cut before content",
    "cut in text",
    "cut in a tool call",
]
WAYS: dict[str, dict[str, Any]] = {
    "alone": {"num_retries": 0},
    "again": {"num_retries": 2, "retry_after": 0.0},
    "elsewhere": {"num_retries": 0, "fallbacks": {"smart": ("backup",)}},
    "beside": {"num_retries": 0, "hedge": HedgePolicy(after=0.001)},
}
"""How the router goes on where one deployment fails."""


def deployment(alias: str, number: int, dialect: str, upstream: FaultyUpstream) -> Deployment:
    options = CallOptions(api_base=upstream.base, api_key="sk-none-at-all")
    record = Providers().find(dialect)
    return Deployment(
        id=f"{alias}:{number}",
        alias=alias,
        provider=record,
        model="sim",
        options=options,
        order=number,
        allowed_fails=99,
    )


@contextlib.asynccontextmanager
async def failing(
    fault: str, dialect: str, way: str, settings: dict[str, Any] | None = None
) -> AsyncIterator[CallRouter]:
    async with contextlib.AsyncExitStack() as stack:
        upstreams = [await stack.enter_async_context(faulty(fault, dialect)) for _ in range(3)]
        aliases = (("smart", 0), ("smart", 1), ("backup", 0)) if way == "beside" else (("smart", 0), ("backup", 0))
        made = [deployment(*place, dialect, upstream) for place, upstream in zip(aliases, upstreams, strict=False)]
        router = CallRouter(made, settings=RouterSettings(**(settings or WAYS[way])))
        yield router
        await router.aclose()


async def ask(router: CallRouter, *, stream: bool) -> None:
    """One call, and the whole of its answer."""
    with contextlib.suppress(errors.APIError):
        answer = await router.answer(chat("smart", stream=stream))
        if isinstance(answer, StreamAnswer):
            async for _ in answer.batches:
                pass


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_failure_is_let_go_at_once(fault: str, way: str, stream: bool) -> None:
    async with failing(fault, "openai", way) as router:
        await nothing_stays(lambda: ask(router, stream=stream))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("limit", ["timeout", "stream_timeout"])
@pytest.mark.parametrize("fault", ["slow headers", "slow first content", "stall"])
async def test_a_timeout_is_let_go_at_once(fault: str, limit: str, stream: bool) -> None:
    settings = {"num_retries": 0, "timeout": 0.3, limit: 0.1}
    async with failing(fault, "openai", "alone", settings) as router:
        await nothing_stays(lambda: ask(router, stream=stream))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
async def test_an_answer_is_let_go_at_once(dialect: str, stream: bool) -> None:
    async with failing("", dialect, "alone") as router:
        await nothing_stays(lambda: ask(router, stream=stream))


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
async def test_an_event_without_an_end_is_refused_and_let_go(dialect: str) -> None:
    async def script(link: Link) -> None:
        await link.request()
        await link.send(CHUNKED)
        for _ in range(50):
            await link.send(chunk(b"data: " * 2**17))
        await link.until_closed()

    async with serving(script) as server:
        router = CallRouter(
            [deployment("smart", 0, dialect, FaultyUpstream(dialect, server.url))],
            settings=RouterSettings(num_retries=0),
        )
        with collected() as found:
            tracemalloc.start()
            with pytest.raises(errors.APIError, match="longer than"):
                await router.answer(chat("smart", stream=True))
            left, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        await router.aclose()
    assert left < 2**23
    assert ours(found) == []


@pytest.mark.parametrize("dialect", ["anthropic", "gemini"])
@pytest.mark.parametrize("fault", ["error first", "cut in text", "malformed"])
@pytest.mark.parametrize("stream", [False, True])
async def test_in_every_dialect(fault: str, dialect: str, stream: bool) -> None:
    async with failing(fault, dialect, "elsewhere") as router:
        await nothing_stays(lambda: ask(router, stream=stream))


async def test_a_stream_that_never_says_anything_is_refused() -> None:
    """Events without content are kept until there is some."""
    head = orjson.dumps({"choices": [{"index": 0, "delta": {"role": "assistant"}}], "padding": "x" * 2**20})

    async def script(link: Link) -> None:
        await link.request()
        await link.send(CHUNKED)
        while True:
            await link.send(chunk(b"data: " + head + b"\n\n"))

    async with serving(script) as server:
        router = CallRouter(
            [deployment("smart", 0, "openai", FaultyUpstream("openai", server.url))],
            settings=RouterSettings(num_retries=0),
        )
        with pytest.raises(errors.APIResponseValidationError, match="no content in its first"):
            await router.answer(chat("smart", stream=True))
        await router.aclose()
