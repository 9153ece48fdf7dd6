"""Active checks: only lists of models are asked for, only where it is wanted, and a good answer heals nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from dragoman.errors import AuthenticationError
from dragoman.gateway.health_report import HealthReport
from dragoman.observe import CircuitOpened, Event, HealthChecked
from dragoman.providers import Providers, models_address
from dragoman.routing import Call, CallOptions, CallRouter, Deployment, RouterSettings
from dragoman.routing.settings.health_check import HealthCheckPolicy
from dragoman.types.operations import CHAT
from tests.routing.upstream import soon

POLICY = HealthCheckPolicy(interval=0.02, timeout=2.0)


class Place:
    """Counts what it is asked, and answers with a status."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[tuple[str, str, str | None]] = []
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        key = request.headers.get("authorization") or request.headers.get("x-api-key")
        self.asked.append((request.method, request.path, key or request.headers.get("x-goog-api-key")))
        return web.json_response({"data": []}, status=self.status)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    found = Place()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        await web.SockSite(runner, free).start()
        found.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        yield found
        await runner.cleanup()


def deployment(address: str, provider: str = "openai", number: int = 0, key: str = "sk-mine") -> Deployment:
    options = CallOptions(api_base=address, api_key=key)
    record = Providers().find(provider)
    return Deployment(id=f"smart:{number}", alias="smart", provider=record, model="m", options=options)


@contextlib.asynccontextmanager
async def running(
    *deployments: Deployment, policy: HealthCheckPolicy | None = POLICY
) -> AsyncIterator[tuple[CallRouter, Any]]:
    heard: list[Event] = []
    health = HealthReport(deployments)
    router = CallRouter(deployments, settings=RouterSettings(health_check=policy), listeners=(heard.append, health))
    await router.warm_up()
    try:
        yield router, (heard, health)
    finally:
        await router.aclose()


@pytest.mark.parametrize(
    ("provider", "path", "key"),
    [
        ("openai", "/models", "Bearer sk-mine"),
        ("anthropic", "/v1/models", "sk-mine"),
        ("gemini", "/v1beta/models", "sk-mine"),
    ],
)
async def test_the_list_of_models_is_asked_for_with_the_key(place: Place, provider: str, path: str, key: str) -> None:
    async with running(deployment(place.address, provider)) as (_, (heard, health)):
        await soon(lambda: len(place.asked) > 2)
    assert set(place.asked) == {("GET", path, key)}
    assert HealthChecked("smart:0", "reachable", "") in heard
    assert health.report()["unknown_count"] == 1, "a list says nothing of a model"
    seen = len(place.asked)
    await asyncio.sleep(0.1)
    assert len(place.asked) == seen, "it has ended with its router"


async def test_nothing_is_sent_unless_it_is_wanted(place: Place) -> None:
    async with running(deployment(place.address), policy=None):
        await asyncio.sleep(0.1)
    assert place.asked == []


async def test_a_place_is_asked_once_for_each_key(place: Place) -> None:
    several = [deployment(place.address, number=number, key=key) for number, key in enumerate(("a", "a", "b"))]
    async with running(*several) as (router, _):
        await router.health_checker.aclose()
        place.asked.clear()
        await router.health_checker.check_all(POLICY)
    assert sorted(key or "" for _, _, key in place.asked) == ["Bearer a", "Bearer b"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_out_and_never_healthy(place: Place, status: int) -> None:
    place.status = status
    two = (deployment(place.address), deployment(place.address, number=1))
    async with running(*two) as (router, (heard, health)):
        await soon(lambda: len(router.cooldowns()) == 2)
        assert {cooldown.what for cooldown in router.cooldowns()} == {"credential"}
        assert any(isinstance(event, CircuitOpened) for event in heard)
        assert health.report()["unhealthy_count"] == 2
        place.status = 200
        count = len(place.asked)
        await soon(lambda: len(place.asked) > count + 2)
        assert len(router.cooldowns()) == 2, "a list heals nothing"
        assert health.report()["healthy_count"] == 0


async def test_a_place_that_fails_counts_as_a_failure_of_each_deployment(place: Place) -> None:
    place.status = 503
    two = (deployment(place.address), deployment("http://127.0.0.1:1", number=1, key="other"))
    async with running(*two) as (router, (heard, _)):
        await soon(lambda: len(router.cooldowns()) == 2)
    outcomes = {(event.deployment, event.outcome) for event in heard if isinstance(event, HealthChecked)}
    assert outcomes == {("smart:0", "unreachable"), ("smart:1", "unreachable")}


async def test_a_place_without_a_list_says_nothing(place: Place) -> None:
    place.status = 404
    async with running(deployment(place.address)) as (router, (heard, health)):
        await soon(lambda: len(place.asked) > 2)
        assert router.cooldowns() == ()
    assert {event.outcome for event in heard if isinstance(event, HealthChecked)} == {"unknown"}
    assert health.report()["unknown_count"] == 1


async def test_a_deployment_without_a_key_is_refused_here(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    record = Providers().find("openai")
    bare = Deployment(
        id="smart:0", alias="smart", provider=record, model="m", options=CallOptions(api_base=place.address)
    )
    async with running(bare) as (router, (heard, _)):
        await soon(lambda: any(isinstance(event, HealthChecked) for event in heard))
        request = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}
        with pytest.raises(AuthenticationError):
            await router.answer(Call(operation=CHAT, model="smart", request=request))
    assert place.asked == []
    assert {event.outcome for event in heard if isinstance(event, HealthChecked)} == {"refused"}


def test_functions_have_no_place() -> None:
    record = Providers().find("openai")
    assert models_address(record, "https://example.org/v1") == "https://example.org/v1/models"
    assert models_address(replace(record, function=print)) is None
