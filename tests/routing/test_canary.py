"""Canaries: a share of the calls, its gates, and what is said when one of them is crossed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from dragoman import errors
from dragoman.credentials import NoCredential
from dragoman.observe import AttemptEnded, CanaryStopped, Event
from dragoman.providers import Provider
from dragoman.routing import (
    Call,
    CallOptions,
    CallRouter,
    Clock,
    Deployment,
    FunctionCall,
    RouterSettings,
    StreamAnswer,
)
from dragoman.routing.settings.canary import Canary, CanaryThresholds, parse_canaries
from dragoman.routing.settings.mirror import Mirror, MirrorPolicy
from dragoman.routing.settings.table import router_settings
from dragoman.state import Outage
from dragoman.types.call_record import Attempt, CallRecord
from dragoman.types.operations import CHAT
from tests.routing.upstream import Stillness, Upstream, soon

NEW = "smart:9"
Make = Callable[..., CallRouter]


class Time:
    """A clock that functions move on."""

    def __init__(self, seed: int = 5) -> None:
        self.now = 1000.0
        read = lambda: self.now  # noqa: E731
        self.clock = Clock(monotonic=read, time=read, random=random.Random(seed).random)


def chat(stream: bool = False, *, model: str = "smart", **metadata: Any) -> Call:
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return Call(operation=CHAT, model=model, request=request, stream=stream, options=CallOptions(metadata=metadata))


def mine(function: Callable[[FunctionCall], Any], number: int, **options: Any) -> Deployment:
    provider = Provider(name="mine", base_url="", endpoints={}, credential=NoCredential(), function=function)
    said = CallOptions(**options)
    return Deployment(id=f"smart:{number}", alias="smart", provider=provider, model="m", options=said)


def answering(call: FunctionCall) -> dict[str, Any]:
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    message = {"role": "assistant", "content": "hi"}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}


def prices(each: float) -> dict[str, Any]:
    return {"prices": {"input_cost_per_token": each, "output_cost_per_token": each}}


def router_of(*deployments: Deployment, told: list[Event] | None = None, **more: Any) -> CallRouter:
    time, share, gates = more.pop("time", None) or Time(), more.pop("share", 0.5), more.pop("gates", {})
    row = Canary(model="smart", deployment=NEW, share=share, gates=CanaryThresholds(least_calls=20, **gates))
    listeners = [] if told is None else [told.append]
    settings = RouterSettings(canary=(row,), **more)
    return CallRouter(deployments, settings=settings, clock=time.clock, listeners=listeners)


async def asked(router: CallRouter, times: int = 1, **metadata: Any) -> list[str]:
    """The deployments that answered."""
    found = []
    for _ in range(times):
        answer = await router.answer(chat(**metadata))
        assert answer.attempts[-1].error is None
        found.append(answer.attempts[-1].deployment)
    return found


def stopped(told: list[Event]) -> list[CanaryStopped]:
    return [event for event in told if isinstance(event, CanaryStopped)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
async def test_it_gets_its_share_and_no_more(share: float) -> None:
    router = router_of(mine(answering, 0), mine(answering, 1), mine(answering, 9), share=share)
    count = (await asked(router, 600)).count(NEW)
    assert abs(count - 600 * share) < 40
    assert count == 600 * share or 0 < share < 1


async def test_a_session_stays_where_it_is() -> None:
    router = router_of(mine(answering, 0), mine(answering, 9), share=0.3)
    where = {name: set(await asked(router, 5, session_id=name)) for name in map(str, range(60))}
    assert all(len(found) == 1 for found in where.values())
    other = router_of(mine(answering, 0), mine(answering, 9), share=0.3, time=Time(77))
    assert {name: set(await asked(other, 1, session_id=name)) for name in where} == where
    assert 6 <= sum(found == {NEW} for found in where.values()) <= 32


async def test_errors_stop_it_and_fall_over_unseen(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Event] = []
    health = router_settings({"disable_cooldowns": True}).health
    stable, bad = upstream.deployment("smart", "sim"), upstream.deployment("smart", "sim[error=500]", number=9)
    gates = {"error_rate": 0.05}
    router = router_of(stable, bad, told=told, share=1.0, gates=gates, health=health)
    try:
        assert set(await asked(router, 25)) == {"smart:0"}
    finally:
        await router.aclose()
    assert stopped(told) == [CanaryStopped("smart", NEW, "error_rate", 1.0, 0.05)]
    assert sum(call.model == "sim[error=500]" for call in upstream.calls) == 20
    assert caplog.text.count("is stopped") == 1


@pytest.mark.parametrize("way", ["error", "continue"])
async def test_streams_that_break_off_stop_it(upstream: Upstream, way: Any) -> None:
    told: list[Event] = []
    health = router_settings({"disable_cooldowns": True}).health
    stable = upstream.deployment("smart", "claude-sonnet-4-20250514", provider="anthropic")
    bad = upstream.deployment("smart", "sim[cut=2]", number=9)
    more: Any = {"share": 1.0, "gates": {"error_rate": 0.5}, "health": health, "mid_stream_fallback": way}
    router = router_of(stable, bad, told=told, **more)
    try:
        for _ in range(22):
            answer = await router.answer(chat(True))
            assert isinstance(answer, StreamAnswer)
            try:
                assert [batch async for batch in answer.batches]
            except errors.APIError:
                assert way == "error"
    finally:
        await router.aclose()
    assert [event.gate for event in stopped(told)] == ["error_rate"]


async def test_slowness_stops_it_and_it_can_be_started_again() -> None:
    told: list[Event] = []
    time = Time()

    def taking(seconds: float) -> Callable[[FunctionCall], Any]:
        def function(call: FunctionCall) -> Any:
            time.now += seconds
            return answering(call)

        return function

    gates = {"latency_p95_ratio": 1.5}
    router = router_of(mine(taking(0.1), 0), mine(taking(0.2), 9), told=told, time=time, gates=gates)
    assert (await asked(router, 100)).count(NEW) == 20
    (event,) = stopped(told)
    assert (event.gate, event.limit, round(event.value, 3)) == ("latency_p95_ratio", 1.5, 2.0)
    (state,) = (await router.state()).canaries
    assert (state.stopped, state.calls, round(state.latency_p95_ratio or 0, 3)) == ("latency_p95_ratio", 20, 2.0)
    router.canaries.start(NEW)
    assert router.canaries.read()[0].calls == 0
    assert (await asked(router, 100)).count(NEW) == 20
    assert len(stopped(told)) == 2
    with pytest.raises(errors.NotFoundError):
        router.canaries.start("nobody")


@pytest.mark.parametrize(("price", "stops"), [(3e-6, True), (1.5e-6, False)])
async def test_cost_stops_it(price: float, stops: bool) -> None:
    told: list[Event] = []
    deployments = (mine(answering, 0, **prices(1e-6)), mine(answering, 9, **prices(price)))
    router = router_of(*deployments, told=told, gates={"cost_ratio": 2.0})
    await asked(router, 100)
    assert [(event.gate, round(event.value, 3)) for event in stopped(told)] == [("cost_ratio", 3.0)] * stops


async def test_callers_faults_are_not_its_own() -> None:
    told: list[Event] = []

    def refusing(call: FunctionCall) -> Any:
        raise errors.BadRequestError("no")

    router = router_of(mine(answering, 0), mine(refusing, 9), told=told, share=1.0, gates={"error_rate": 0.0})
    for _ in range(30):
        with pytest.raises(errors.BadRequestError):
            await router.answer(chat())
    assert not stopped(told)


async def test_one_that_is_out_is_not_asked(upstream: Upstream) -> None:
    stable, gone = upstream.deployment("smart", "sim"), upstream.deployment("smart", "sim[error=404]", number=9)
    router = router_of(stable, gone, share=1.0)
    try:
        assert set(await asked(router, 5)) == {"smart:0"}
    finally:
        await router.aclose()
    assert [call.model for call in upstream.calls] == ["sim[error=404]", *["sim"] * 5]


async def test_it_is_explained() -> None:
    router = router_of(mine(answering, 0), mine(answering, 9), share=1.0)
    explained = await router.explain(chat())
    assert (explained.chosen, explained.why) == (NEW, "the canary of this call")
    router = router_of(mine(answering, 0), mine(answering, 9), share=0.0)
    explained = await router.explain(chat())
    assert explained.chosen == "smart:0"
    assert [each.dropped for each in explained.candidates] == [None, "canary: this call is not of its share"]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"model": "other"}, "canary[0].model"),
        ({"deployment": "other"}, "canary[0].deployment"),
        ({"gates": {"errors": 1}}, "canary[0].gates.errors"),
        ({"gates": {"error_rate": 2}}, "canary[0].gates.error_rate"),
        ({"share": 2}, "canary[0].share"),
        ({"deployment": None}, "canary[0].deployment"),
        ({"part": 1}, "canary[0].part"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(wrong: Any, path: str) -> None:
    def made() -> CallRouter:
        settings = router_settings({"canary": [{"model": "smart", "deployment": NEW, **wrong}]})
        return CallRouter([mine(answering, 0), mine(answering, 9)], settings=settings)

    with pytest.raises(errors.ConfigError) as caught:
        made()
    assert caught.value.param == path
    assert str(caught.value).startswith(f"{path}: ")


# ── a canary is no ordinary member ───────────────────────────────────────────────────────────────────────────────────
def row(model: str = "smart", deployment: str = NEW, share: float = 0.0, **gates: Any) -> Canary:
    return Canary(model=model, deployment=deployment, share=share, gates=CanaryThresholds(**gates))


@pytest.mark.parametrize("share", [0.0, 1.0])
async def test_a_fallback_of_which_only_a_canary_is_well_does_not_stand_ready(
    upstream: Upstream, make: Make, share: float
) -> None:
    """Be it stopped, or not for this call. So the first model is waited for, and answers."""
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim[error=500;times=1]"),
        upstream.deployment("backup", "sim"),
        upstream.deployment("backup", "new[error=503;times=1]", number=9),
        clock=still.clock,
        settings={
            "canary": (row("backup", "backup:9", share, error_rate=0.5, least_calls=1),),
            "fallbacks": {"smart": ("backup",)},
        },
    )
    if share:
        await router.answer(chat(model="backup"))
        assert router.canaries.read()[0].stopped == "error_rate"
    router.store.open_circuit("backup:0", Outage("500", "InternalServerError", 0, still.clock.time() + 99))
    answer = await router.answer(chat())
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "smart:0"]
    assert len(still.slept) == 1


async def test_one_that_is_alone_beside_a_canary_is_alone(upstream: Upstream, make: Make) -> None:
    """It is never taken out, as there is nobody else for the calls that are not of the share."""
    only, new = upstream.deployment("smart", "sim[error=500]"), upstream.deployment("smart", "sim", number=9)
    router = make(only, new, clock=Stillness().clock, settings={"canary": (row(),), "num_retries": 0})
    for _ in range(8):
        with pytest.raises(errors.InternalServerError):
            await router.answer(chat())
    assert router.cooldowns() == ()
    assert len(upstream.calls) == 8


async def test_a_canary_beside_one_that_is_alone_is_taken_out(upstream: Upstream, make: Make) -> None:
    only, new = upstream.deployment("smart", "sim"), upstream.deployment("smart", "sim[error=404]", number=9)
    router = make(only, new, settings={"canary": (row(share=1.0),)})
    await asked(router, 3)
    assert [each.deployment for each in router.cooldowns()] == [NEW]


async def test_a_canary_that_is_stopped_by_a_failure_is_not_waited_for(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim[error=500;times=1]"),
        upstream.deployment("smart", "sim[error=500]", number=9),
        clock=still.clock,
        settings={"canary": (row(share=1.0, error_rate=0.5, least_calls=1),), "num_retries": 3},
    )
    answer = await router.answer(chat())
    assert [attempt.deployment for attempt in answer.attempts] == [NEW, "smart:0", "smart:0"]
    assert len(still.slept) == 1


async def test_what_a_canary_says_of_failing_holds_for_no_other_call(upstream: Upstream, make: Make) -> None:
    new = upstream.deployment("smart", "sim", number=0, options={"num_retries": 0})
    old = upstream.deployment("smart", "sim[error=500;times=1]", number=1)
    router = make(new, old, clock=Stillness().clock, settings={"canary": (row(deployment="smart:0"),)})
    answer = await router.answer(chat())
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:1", "smart:1"]


async def test_one_that_cannot_take_a_call_is_passed_over(upstream: Upstream, make: Make) -> None:
    """Before it is asked, so that nothing of the budget is spent."""
    old = upstream.deployment("smart", "gpt-4o")
    new = upstream.deployment("smart", "gpt-3.5-turbo", number=9)
    router = make(old, new, settings={"canary": (row(share=1.0),)})
    call = chat()
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    call.request["messages"][0]["content"] = [{"type": "text", "text": "What is it?"}, picture]
    answer = await router.answer(call)
    (attempt,) = answer.attempts
    assert attempt.deployment == "smart:0"
    assert "abilities: " in dict(attempt.passed_over)[NEW]


async def test_a_copy_never_goes_to_a_canary(upstream: Upstream, make: Make) -> None:
    """Its share is of the calls, and its gates judge by calls whose answers somebody reads."""
    router = make(
        upstream.deployment("other", "sim"),
        upstream.deployment("smart", "old"),
        upstream.deployment("smart", "new", number=9),
        settings={"canary": (row(share=1.0),), "mirror": MirrorPolicy(mirrors=(Mirror("other", "smart"),))},
    )
    for _ in range(3):
        await router.answer(chat(model="other"))
    await soon(lambda: len(upstream.calls) == 6)
    assert {seen.model for seen in upstream.calls} == {"sim", "old"}
    assert router.canaries.read()[0].calls == 0


def test_somebody_must_take_the_other_calls() -> None:
    rows = parse_canaries([{"model": "smart", "deployment": NEW}], "canary")
    with pytest.raises(errors.ConfigError, match="no other deployment"):
        CallRouter([mine(answering, 9)], settings=RouterSettings(canary=rows))


def test_the_collector_may_close_a_forgotten_call_in_the_middle_of_a_step() -> None:
    """Which tells of the call's end, on the same thread."""
    made = Attempt(deployment=NEW, provider="mine", model="m", milliseconds=1.0, error="CancelledError")
    tried = AttemptEnded(CallRecord(request_id="req_1", operation="chat", model="smart"), made)
    time = Time()
    router = router_of(mine(answering, 0), mine(answering, 9), time=time)
    forgotten = [lambda: router.canaries(tried)]

    def now() -> float:
        if forgotten:
            forgotten.pop()()
        return 1000.0

    router.canaries._now = now
    thread = threading.Thread(target=router.canaries, args=(tried,), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
