"""Requirement 18: nothing is spent to learn who is well, and a probe that is rejected makes nobody well."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import aiohttp
import pytest

from dragoman.errors import APIError
from dragoman.observe import CircuitClosed, CircuitOpened, Event
from dragoman.providers import Providers
from dragoman.routing import Call, CallOptions, CallRouter, Deployment, RouterSettings
from dragoman.routing.settings.health import HealthPolicy
from dragoman.types.operations import CHAT
from tests.requirements.serving import MODELS, asked, gateway
from tests.requirements.test_08_fallbacks import listed
from tests.routing.upstream import Stillness
from tests.upstreams.faulty import FaultyUpstream, faulty, well

PAGES = ("/health/liveliness", "/health/readiness", "/v1/models", "/cooldowns", "/v1/routing/state")


async def test_an_idle_gateway_sends_nothing(client: aiohttp.ClientSession) -> None:
    async with well("openai") as one, faulty("500", "anthropic") as other, faulty("401", "gemini") as third:
        upstreams = {"a": one, "b": other, "c": third}
        settings: dict[str, Any] = {"num_retries": 0, "cooldown_time": 0.2, "allowed_fails": 0}
        async with gateway([listed(name, it) for name, it in upstreams.items()], router_settings=settings) as here:
            for name in upstreams:
                path, body = asked("openai", model=name)
                async with client.post(here + path, json=body) as reply:
                    await reply.read()
            for _ in range(5):
                for page in PAGES:
                    async with client.get(here + page) as reply:
                        await reply.read()
                await asyncio.sleep(0.2)
        assert [upstream.asked for upstream in upstreams.values()] == [1, 1, 1], "the callers' own, and no more"


def deployment(upstream: FaultyUpstream, number: int) -> Deployment:
    options = CallOptions(api_base=upstream.base, api_key=f"sk-{number}")
    record = Providers().find(upstream.dialect)
    return Deployment(id=f"m:{number}", alias="m", provider=record, model="sim", options=options, order=number)


@pytest.mark.parametrize("fault", ["401", "404", "500", "malformed"])
@pytest.mark.parametrize("provider", MODELS)
async def test_a_rejected_probe_is_never_healthy(provider: str, fault: str) -> None:
    """Each outage of one that stays broken ends with one call of a caller, and each is longer than the last."""
    heard: list[Event] = []
    still = Stillness()
    async with faulty(fault, provider) as broken, well(provider) as good:
        router = CallRouter(
            [deployment(broken, 0), deployment(good, 1)],
            settings=RouterSettings(health=HealthPolicy(allowed_fails=0)),
            clock=still.clock,
            listeners=(heard.append,),
        )
        for probes in range(1, 4):
            for _ in range(5):
                answer = await router.answer(asked_for())
                assert answer.attempts[-1].deployment == "m:1"
            assert broken.asked == probes
            out = [event for event in heard if isinstance(event, CircuitOpened)]
            assert len(out) == probes
            await still.clock.sleep(out[-1].until - still.clock.time() + 0.01)
        await router.aclose()
    lasted = [later.until - earlier.until for earlier, later in itertools.pairwise(out)]
    assert lasted == sorted(lasted)
    assert lasted[0] < lasted[-1]
    assert not [event for event in heard if isinstance(event, CircuitClosed)]


def asked_for() -> Call:
    request: Any = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    return Call(operation=CHAT, model="m", request=request)


@pytest.mark.parametrize("provider", MODELS)
async def test_one_of_many_calls_finds_out(provider: str) -> None:
    """When an outage is over, a crowd does not fall on who may still be down."""
    still = Stillness()
    async with faulty("500", provider) as broken, well(provider) as good:
        router = CallRouter(
            [deployment(broken, 0), deployment(good, 1)],
            settings=RouterSettings(health=HealthPolicy(allowed_fails=0)),
            clock=still.clock,
        )
        await router.answer(asked_for())
        await still.clock.sleep(6)
        answers = await asyncio.gather(*(router.answer(asked_for()) for _ in range(20)))
        assert {answer.attempts[-1].deployment for answer in answers} == {"m:1"}
        assert broken.asked == 2, "the first failure, and one probe"
        await router.aclose()


async def test_whoever_works_again_is_found_by_a_real_call() -> None:
    heard: list[Event] = []
    still = Stillness()
    async with faulty("500", "openai", times=1) as mended, well("openai") as good:
        router = CallRouter(
            [deployment(mended, 0), deployment(good, 1)],
            settings=RouterSettings(health=HealthPolicy(allowed_fails=0)),
            clock=still.clock,
            listeners=(heard.append,),
        )
        for _ in range(3):
            await router.answer(asked_for())
        await still.clock.sleep(6)
        for _ in range(3):
            answer = await router.answer(asked_for())
            assert answer.attempts[-1].deployment == "m:0"
        assert [event.key for event in heard if isinstance(event, CircuitClosed)] == ["m:0"]
        assert mended.asked == 4
        await router.aclose()


async def test_nobody_to_ask_is_said_with_the_time_to_come_again() -> None:
    async with faulty("401", "openai") as one, faulty("401", "openai") as other:
        settings = RouterSettings(longest_wait=10)
        router = CallRouter([deployment(one, 0), deployment(other, 1)], settings=settings, clock=Stillness().clock)
        for _ in range(3):
            with pytest.raises(APIError) as caught:
                await router.answer(asked_for())
        assert caught.value.retry_after == pytest.approx(60, abs=5)
        assert (one.asked, other.asked) == (1, 1)
        await router.aclose()
