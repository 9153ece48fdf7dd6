"""Which fallbacks keep a call from waiting for a deployment that has just failed: those that are well, and will be asked."""

from __future__ import annotations

import pytest

from dragoman import errors
from tests.routing.test_router import Make, chat
from tests.routing.upstream import Stillness, Upstream

ONCE = "sim[error=500;times=1]"


async def test_a_fallback_beyond_the_most_is_not_gone_on_to(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim[error=500]"),
        upstream.deployment("backup", ONCE),
        upstream.deployment("never", "sim"),
        settings={"fallbacks": {"smart": ("backup", "never")}, "max_fallbacks": 1, "num_retries": 2},
        clock=still.clock,
    )
    answer = await router.answer(chat("smart"))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "backup:0", "backup:0"]
    assert len(still.slept) == 1


async def test_without_any_fallback_the_model_itself_is_asked_again(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", ONCE),
        upstream.deployment("never", "sim"),
        settings={"fallbacks": {"smart": ("never",)}, "max_fallbacks": 0},
        clock=Stillness().clock,
    )
    answer = await router.answer(chat("smart"))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "smart:0"]


async def test_a_fallback_that_is_out_does_not_stand_ready_behind_another(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim[error=500]"),
        upstream.deployment("backup", ONCE),
        upstream.deployment("out", "sim[error=404]", number=0),
        upstream.deployment("out", "sim[error=404]", number=1),
        settings={"fallbacks": {"smart": ("backup", "out")}, "num_retries": 2},
        clock=Stillness().clock,
    )
    with pytest.raises(errors.NotFoundError):
        await router.answer(chat("out"))
    assert [cooldown.deployment for cooldown in router.cooldowns()] == ["out:0", "out:1"]
    answer = await router.answer(chat("smart"))
    assert [attempt.deployment for attempt in answer.attempts] == ["smart:0", "backup:0", "backup:0"]
