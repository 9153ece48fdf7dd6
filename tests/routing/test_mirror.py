"""Copies of calls to other models: never in the caller's way, never on the caller's bill."""

from __future__ import annotations

import asyncio
import gc
import random
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from dragoman import errors
from dragoman.observe import AttemptEnded, CallFailed, CallSucceeded, Event, Mirrored
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Clock, RouterSettings, StreamAnswer
from dragoman.routing.settings.mirror import Mirror, MirrorPolicy, mirror_policy
from dragoman.routing.settings.table import router_settings
from dragoman.types.operations import CHAT
from tests.routing.upstream import Upstream, soon

Make = Callable[..., CallRouter]
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
async def make(told: list[Event]) -> AsyncIterator[Make]:
    made: list[CallRouter] = []

    def router(
        *deployments: Any, share: float = 1.0, timeout: float = 10.0, most: int = 100, **more: Any
    ) -> CallRouter:
        mirrors = more.pop("mirrors", (Mirror("smart", "shadow", share),))
        policy = MirrorPolicy(mirrors=mirrors, timeout=timeout, max_in_flight=most)
        settings = RouterSettings(mirror=policy, num_retries=0, **more.pop("settings", {}))
        made.append(CallRouter(deployments, settings=settings, listeners=[told.append], **more))
        return made[-1]

    yield router
    for each in made:
        await each.aclose()


def chat(model: str = "smart", *, stream: bool = False, **options: Any) -> Call:
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return Call(operation=CHAT, model=model, request=request, stream=stream, options=CallOptions(**options))


def mirrored(told: list[Event]) -> list[Mirrored]:
    return [event for event in told if isinstance(event, Mirrored)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_copy_is_answered_and_thrown_away(
    upstream: Upstream, make: Make, told: list[Event], stream: bool
) -> None:
    router = make(
        upstream.deployment("smart", "sim", options={"prices": PRICES}),
        upstream.deployment("shadow", "other", provider="anthropic", options={"prices": PRICES}),
    )
    answer = await router.answer(chat(stream=stream))
    if isinstance(answer, StreamAnswer):
        assert [batch async for batch in answer.batches]
    await soon(lambda: mirrored(told))
    (copy,) = mirrored(told)
    assert sorted(call.model for call in upstream.calls) == ["other", "sim"]
    assert (copy.model, copy.error) == ("shadow", None)
    assert copy.usage is not None
    assert copy.usage["completion_tokens"] > 0
    assert copy.cost is not None
    assert copy.cost.total
    assert copy.milliseconds > 0
    assert [event.request_id for event in told if isinstance(event, CallSucceeded)] == [copy.request_id]
    assert [event.attempt.model for event in told if isinstance(event, AttemptEnded)] == ["sim"]
    assert [attempt.model for attempt in answer.attempts] == ["sim"]
    assert not any(router.store.view().in_flight.values())


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("bad[hang]", "Timeout"),
        ("bad[error=500]", "InternalServerError"),
        ("bad[error=429]", "RateLimitError"),
        ("bad[drop]", "APIConnectionError"),
        ("bad[stall=1]", "Timeout"),
        ("bad[cut=1]", "APIConnectionError"),
    ],
)
async def test_a_copy_that_goes_wrong_is_told_once_and_asked_once(
    upstream: Upstream, make: Make, told: list[Event], model: str, error: str
) -> None:
    router = make(
        upstream.deployment("smart", "sim"),
        upstream.deployment("shadow", model),
        upstream.deployment("backup", "sim"),
        timeout=0.3,
        settings={"fallbacks": {"shadow": ("backup",)}},
    )
    answer = await router.answer(chat(stream=True))
    assert isinstance(answer, StreamAnswer)
    assert [batch async for batch in answer.batches]
    await soon(lambda: mirrored(told))
    assert [(copy.model, copy.error) for copy in mirrored(told)] == [("shadow", error)]
    assert len([call for call in upstream.calls if call.model.startswith("bad")]) == 1
    assert len([call for call in upstream.calls if call.model == "sim"]) == 1
    assert not [event for event in told if isinstance(event, CallFailed)]
    assert not any(router.store.view().in_flight.values())


async def test_a_share_of_the_calls_is_copied(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(
        upstream.deployment("smart", "sim"),
        upstream.deployment("shadow", "other"),
        share=0.25,
        clock=Clock(random=random.Random(7).random),
    )
    for _ in range(60):
        await router.answer(chat())
    await soon(lambda: len(mirrored(told)) == len([call for call in upstream.calls if call.model == "other"]))
    assert 6 <= len(mirrored(told)) <= 26


async def test_a_deployment_has_a_silent_model(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(
        upstream.deployment("smart", "sim", number=0, silent_model="shadow"),
        upstream.deployment("smart", "spare", number=1, order=9),
        upstream.deployment("plain", "sim", number=2),
        upstream.deployment("shadow", "other"),
        mirrors=(),
    )
    await router.answer(chat("plain"))
    await router.answer(chat())
    await soon(lambda: mirrored(told))
    assert [call.model for call in upstream.calls] == ["sim", "sim", "other"]


async def test_too_many_copies_are_dropped_and_counted(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(upstream.deployment("smart", "sim"), upstream.deployment("shadow", "bad[hang]"), most=2)
    for _ in range(5):
        await router.answer(chat())
    assert router.mirrors.in_flight == 2
    assert router.mirrors.dropped == 3
    assert [copy.error for copy in mirrored(told)] == ["Dropped"] * 3
    await router.aclose()
    assert router.mirrors.in_flight == 0
    assert [copy.error for copy in mirrored(told)][3:] == ["CancelledError"] * 2


async def test_a_call_that_fails_is_not_copied(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(upstream.deployment("smart", "bad[error=400]"), upstream.deployment("shadow", "sim"))
    with pytest.raises(errors.BadRequestError):
        await router.answer(chat())
    assert len(upstream.calls) == 1
    assert router.mirrors.in_flight == 0


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_the_callers_own_key_never_pays_for_a_copy(
    upstream: Upstream, make: Make, told: list[Event], provider: str
) -> None:
    router = make(upstream.deployment("smart", "sim"), upstream.deployment("shadow", "other", provider=provider))
    await router.answer(chat(api_key="sk-mine", extra_headers={"x-private": "1"}))
    await soon(lambda: mirrored(told))
    assert mirrored(told)[0].error is None
    assert "sk-mine" not in str(upstream.last)
    assert "x-private" not in str(upstream.last)


async def test_what_the_caller_writes_later_is_not_in_the_copy(
    upstream: Upstream, make: Make, told: list[Event]
) -> None:
    router = make(upstream.deployment("smart", "sim"), upstream.deployment("shadow", "other"))
    call = chat()
    await router.answer(call)
    call.request["messages"].append({"role": "assistant", "content": "written later"})
    await soon(lambda: mirrored(told))
    assert "written later" not in str(upstream.last)


async def test_copies_are_not_copied(upstream: Upstream, make: Make, told: list[Event]) -> None:
    router = make(
        upstream.deployment("smart", "sim"),
        upstream.deployment("shadow", "other"),
        mirrors=(Mirror("*", "smart"), Mirror("*", "shadow")),
    )
    await router.answer(chat())
    await soon(lambda: mirrored(told))
    await asyncio.sleep(0.05)
    assert [call.model for call in upstream.calls] == ["sim", "other"]


@pytest.mark.parametrize("run", [asyncio.run, "bare"])
def test_a_loop_that_ends_ends_its_copies(upstream: Upstream, run: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings = RouterSettings(mirror=MirrorPolicy(mirrors=(Mirror("smart", "shadow"),)))
    router = CallRouter(
        [upstream.deployment("smart", "sim"), upstream.deployment("shadow", "bad[hang]")], settings=settings
    )

    async def one() -> Any:
        answer = await router.answer(chat())
        await asyncio.sleep(0.05)
        return answer

    with warnings.catch_warnings():
        if run == "bare":  # its connections are left open, which is what their owner is warned of
            warnings.simplefilter("ignore", ResourceWarning)
        if run == "bare":
            loop = asyncio.new_event_loop()
            answer = loop.run_until_complete(one())
            loop.run_until_complete(router.aclose())
            loop.close()
        else:
            answer = run(one())
        assert isinstance(answer, Answer)
        gc.collect()
    assert "was destroyed" not in caplog.text
    assert "never retrieved" not in caplog.text


def test_how_it_is_written() -> None:
    rows = [{"from": "smart", "to": "openai/gpt-4o", "share": 0.1}]
    assert router_settings({"mirror": rows}).mirror.mirrors == (Mirror("smart", "openai/gpt-4o", 0.1),)
    policy = mirror_policy({"mirrors": rows, "timeout": 5, "max_in_flight": 3}, "mirror")
    assert (policy.timeout, policy.max_in_flight, len(policy.mirrors)) == (5, 3, 1)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ([{"from": "smart"}], "mirror[0].to"),
        ([{"from": "smart", "to": "x", "share": 2}], "mirror[0].share"),
        ([{"from": "smart", "to": "x", "rate": 2}], "mirror[0].rate"),
        ({"mirrors": 1}, "mirror.mirrors"),
        (3, "mirror"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(wrong: Any, path: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        mirror_policy(wrong, "mirror")
    assert str(caught.value).startswith(f"{path}: ")


def test_a_target_that_nobody_knows_is_refused(upstream: Upstream) -> None:
    settings = RouterSettings(mirror=MirrorPolicy(mirrors=(Mirror("smart", "nobody"),)))
    with pytest.raises(errors.ConfigError) as caught:
        CallRouter([upstream.deployment("smart", "sim")], settings=settings, allow_unlisted=False)
    assert caught.value.param == "mirror[0].to"
