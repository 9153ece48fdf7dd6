"""What is late or broken before the first content falls over, over dialects, and within the deadline of the call."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from dragoman import errors
from dragoman.routing import Call, CallOptions, Source, StreamAnswer
from dragoman.types.operations import CHAT
from tests.routing.test_router import HELLO, Make, chat, text_of
from tests.routing.upstream import Upstream, soon

FAULTS = ["slow-first=9", "stall=0", "hang", "malformed;cut=0", "latency=9"]
SETTINGS = {"fallbacks": {"smart": ("backup",)}, "num_retries": 0, "stream_timeout": 0.3}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("first", "second"), [("openai", "anthropic"), ("anthropic", "gemini"), ("gemini", "openai")])
async def test_it_falls_over_to_another_dialect(
    upstream: Upstream, make: Make, first: str, second: str, fault: str
) -> None:
    router = make(
        upstream.deployment("smart", f"sim[{fault}]", provider=first),
        upstream.deployment("backup", "sim", provider=second),
        settings=SETTINGS,
    )
    answer = await router.answer(chat("smart", stream=True))
    assert "Hello" in await text_of(answer)
    assert [attempt.provider for attempt in answer.attempts] == [first, second]
    await soon(lambda: not router.store.view().in_flight)
    await soon(lambda: all(call.ended is not None for call in upstream.calls))


@pytest.mark.parametrize("fault", ["slow-first=9", "stall=0", "error-after=0", "cut=0"])
async def test_a_body_that_passes_through_falls_over_too(upstream: Upstream, make: Make, fault: str) -> None:
    """To a provider of the same dialect untouched, to another one translated."""
    body: dict[str, Any] = {"model": "smart", "messages": HELLO, "stream": True, "max_tokens": 100}
    source = Source("anthropic_messages", body, orjson.dumps(body))
    for provider, native in (("anthropic", True), ("openai", False)):
        router = make(
            upstream.deployment("smart", f"sim[{fault}]", provider="anthropic"),
            upstream.deployment("backup", "sim", provider=provider),
            settings=SETTINGS,
        )
        call = Call(operation=CHAT, model="smart", request=body, stream=True, source=source, options=CallOptions())
        answer = await router.answer(call)
        assert isinstance(answer, StreamAnswer)
        assert answer.native is native
        assert len(answer.attempts) == 2
        batches = [batch async for batch in answer.batches]
        assert batches
        await soon(lambda: all(call.ended is not None for call in upstream.calls))
        assert not router.store.view().in_flight


@pytest.mark.parametrize("fault", ["slow-first=9", "stall=0", "hang"])
async def test_the_deadline_is_that_of_the_call(upstream: Upstream, make: Make, fault: str) -> None:
    names = [upstream.deployment("smart", f"sim[{fault}]", number=number) for number in range(5)]
    router = make(*names, settings={"stream_timeout": 0.3, "timeout": 0.7, "num_retries": 9})
    started = time.monotonic()
    with pytest.raises(errors.Timeout) as caught:
        await router.answer(chat("smart", stream=True))
    assert time.monotonic() - started < 3
    assert 2 <= len(caught.value.attempts) <= 3
    await soon(lambda: not router.store.view().in_flight)
