"""The share of calls that fallbacks answer: counted, told once when it is high and once when that is over."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.observe import CallSucceeded, Event, FallbackRateHigh, FallbackRateNormal
from dragoman.routing import Call, CallOptions, CallRouter, RouterSettings
from dragoman.routing.health.fallback_rate import FallbackRates
from dragoman.routing.settings.fallback_alert import FallbackAlert, fallback_alert
from dragoman.types.operations import CHAT
from tests.routing.upstream import Stillness, Upstream


class Told:
    def __init__(self, **alert: Any) -> None:
        self.now = 1000.0
        self.heard: list[Event] = []
        self.rates = FallbackRates(FallbackAlert(**alert), lambda: self.now, self.heard.append)

    def call(self, fell: bool = False, alias: str = "smart") -> None:
        if fell:
            self.rates.count_fallback(alias)
        self.rates.count_call(alias)


def test_a_call_is_counted_once_for_the_group_that_was_asked() -> None:
    told = Told()
    for number in range(8):
        told.call(fell=number < 2)
    told.call(alias="other")
    assert told.rates.read() == {"smart": (8, 2, 0.25, False), "other": (1, 0, 0.0, False)}
    assert told.heard == []


def test_the_collector_may_close_a_forgotten_call_in_the_middle_of_a_step() -> None:
    """Which tells of the call's end, on the same thread."""
    forgotten = ["other"]

    def now() -> float:
        if forgotten:
            rates.count_call(forgotten.pop())
        return 1000.0

    rates = FallbackRates(FallbackAlert(), now, lambda event: None)
    thread = threading.Thread(target=rates.count_call, args=("smart",), daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert {alias: rate.calls for alias, rate in rates.read().items()} == {"smart": 1, "other": 1}


def test_a_high_rate_is_told_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(rate=0.1, window=100.0, least=20)
    with caplog.at_level(logging.WARNING, "dragoman.routing"):
        for _ in range(19):
            told.call(fell=True)
        assert told.heard == []
        for _ in range(10):
            told.call(fell=True)
        assert told.heard == [FallbackRateHigh("smart", 1.0, 20, 20)]
        assert told.rates.read()["smart"].high
        told.now += 106
        told.call()
        told.call()
    assert told.heard[1:] == [FallbackRateNormal("smart", 0.0, 1, 0)]
    assert told.rates.read() == {"smart": (2, 0, 0.0, False)}
    assert len(caplog.records) == 2
    assert "20 of its 20 calls of the last 100 s" in caplog.records[0].getMessage()


def test_that_it_is_over_is_also_seen_by_who_looks() -> None:
    told = Told(least=1)
    told.call(fell=True)
    told.now += 1000
    assert told.rates.read() == {}
    assert [type(event) for event in told.heard] == [FallbackRateHigh, FallbackRateNormal]


def test_memory_is_bounded() -> None:
    told = Told()
    for number in range(12_000):
        told.call(alias=f"made-up-{number}")
        told.now += 1
    assert len(told.rates._parts) == 1000
    for _ in range(3000):
        told.call()
        told.now += 1
    assert len(told.rates._parts["smart"]) <= 21


def test_made_up_names_push_out_no_alias_that_is_asked() -> None:
    told = Told(least=20, window=100.0)
    for number in range(3000):
        told.call(alias=f"made-up-{number}")
        if number % 100 == 0:
            told.now += 5
            told.call(fell=True)
    assert told.rates.read()["smart"].calls == 20
    assert told.heard == [FallbackRateHigh("smart", 1.0, 20, 20)]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"rate": 2}, "fallback_alert.rate: expected a number from 0 to 1"),
        ({"least": 0}, "fallback_alert.least"),
        ({"often": 1}, "fallback_alert.often: unknown key"),
        (3, "fallback_alert: expected a mapping"),
    ],
)
def test_a_wrong_alert_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        fallback_alert(value, "fallback_alert")
    assert fallback_alert({"rate": 0.5, "least": 3}, "x") == FallbackAlert(rate=0.5, least=3)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_router_counts_its_calls(upstream: Upstream, stream: bool) -> None:
    heard: list[Event] = []
    settings = RouterSettings(
        num_retries=0, fallbacks={"smart": ("backup",)}, fallback_alert=FallbackAlert(rate=0.5, least=2)
    )
    deployments = upstream.deployment("smart", "sim[error=500]"), upstream.deployment("backup", "sim")
    router = CallRouter(deployments, settings=settings, listeners=(heard.append,), clock=Stillness().clock)
    for alias in ("smart", "backup", "smart"):
        request = {"model": alias, "messages": [{"role": "user", "content": "Hello"}]}
        answer = await router.answer(
            Call(operation=CHAT, model=alias, request=request, stream=stream, options=CallOptions())
        )
        assert answer.fallback == ("backup" if alias == "smart" else "")
        if stream:
            async for _ in answer.batches:  # type: ignore[union-attr]
                pass
    await router.aclose()
    assert router.fallback_rates() == {"smart": (2, 2, 1.0, True), "backup": (1, 0, 0.0, False)}
    assert [event for event in heard if isinstance(event, FallbackRateHigh)] == [FallbackRateHigh("smart", 1.0, 2, 2)]
    answered = [(event.record.alias, event.record.fallback) for event in heard if isinstance(event, CallSucceeded)]
    assert answered == [("smart", "backup"), ("backup", ""), ("smart", "backup")]
