"""What is explained holds: under many configurations and states, a call that is made at once, with the same clock and chance, goes
first where the explanation said, or is refused as it said."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.errors import APIError, DragomanError
from dragoman.observe import Event, Queued
from dragoman.routing import Call, CallOptions, CallRouter, Clock
from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.settings.canary import Canary, CanaryThresholds
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.settings.queue import QueuePolicy
from dragoman.routing.settings.routes import parse_routes
from dragoman.routing.strategies import STRATEGIES
from dragoman.state import Claim, Outage
from dragoman.types.operations import CHAT
from tests.routing.upstream import Upstream

Make = Callable[..., CallRouter]
MODELS = ("gpt-4o", "gpt-3.5-turbo", "sim", "claude-sonnet-4-5")
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


class World:
    """A clock that stands still but for sleeps, chance that can be set, and what is drawn of both for a configuration."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.dice = random.Random(seed)
        self.now = time.time()
        self.limited = self.draw.choice((0.1, 0.6))
        self.slept = 0.0
        read = lambda: self.now  # noqa: E731
        self.clock = Clock(monotonic=read, time=read, sleep=self._sleep, random=self.dice.random)

    async def _sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += seconds

    def maybe(self, share: float, value: Any, otherwise: Any = None) -> Any:
        return value if self.draw.random() < share else otherwise

    def deployment(self, upstream: Upstream, alias: str, number: int) -> Any:
        draw, more = self.draw, {}
        for name, values in (
            ("rpm", (1, 3)),
            ("tpm", (10, 4000)),
            ("max_parallel_requests", (1, 2)),
            ("weight", (0, 5)),
        ):
            if draw.random() < self.limited:
                more[name] = draw.choice(values)
        model = draw.choice(MODELS)
        return upstream.deployment(
            alias,
            model,
            provider="anthropic" if model.startswith("claude") else "openai",
            number=number,
            order=draw.choice((0, 0, 1)),
            tags=frozenset(draw.sample(("eu", "us", "default"), draw.randrange(3))),
            region=draw.choice(("eu-west-1", "us-east-1", "")),
            blocked=draw.random() < 0.05,
            **more,
        )

    def settings(self) -> dict[str, Any]:
        draw = self.draw
        canary = Canary(
            model="smart", deployment="smart:1", share=draw.choice((0.0, 0.5, 1.0)), gates=CanaryThresholds()
        )
        routes = [{"if": {"model": "smart", "images": True}, "use": "backup"}]
        return {
            "strategy": draw.choice(sorted(STRATEGIES)),
            "num_retries": draw.choice((0, 2)),
            "checks": CheckPolicy(window=True, tags=draw.random() < 0.3),
            "fallbacks": {"smart": ("backup", "last"), "backup": ("last",)} if draw.random() < 0.6 else {},
            "max_fallbacks": draw.choice((1, 3)),
            "canary": (canary,) if draw.random() < 0.4 else (),
            "routes": parse_routes(routes, "routes") if draw.random() < 0.15 else (),
            "queue": QueuePolicy(max_size=draw.choice((0, 5)), timeout=draw.choice((None, 2.0))),
            "longest_wait": draw.choice((0.0, 60.0, 120.0)),
            "affinity": AffinityPolicy(kinds=frozenset({"session_affinity"}) if draw.random() < 0.3 else frozenset()),
            "timeout": 300.0,
        }

    def call(self, number: int) -> Call:
        draw = self.draw
        text = "word " * draw.choice((1, 1, 1, 20_000))
        content: Any = [{"type": "text", "text": text}, PICTURE] if draw.random() < 0.25 else text
        request: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": content}]}
        if draw.random() < 0.1:
            request["logit_bias"] = {"5": 1}
        metadata = {
            "tags": self.maybe(0.3, [draw.choice(("eu", "us", "!eu", "none"))]),
            "region": self.maybe(0.15, "eu"),
            "session_id": self.maybe(0.3, draw.choice("abc")),
        }
        options = CallOptions(
            metadata={name: value for name, value in metadata.items() if value},
            timeout=draw.choice((None, 100.0)),
            disable_fallbacks=self.maybe(0.1, True),
            mock_testing_fallbacks=self.maybe(0.1, True),
            drop_params=self.maybe(0.5, True),
        )
        return Call(operation=CHAT, model="smart", request=request, options=options, request_id=f"call-{number}")

    async def trouble(self, router: CallRouter) -> None:
        """Outages, some of which are just over, probes under way, used limits, and times."""
        draw, store = self.draw, router.store
        scarce = draw.random() < 0.3
        for deployment in router.deployments:
            if draw.random() < 0.25:
                kind = draw.choice(("RateLimitError", "InternalServerError"))
                store.open_circuit(deployment.id, Outage(kind, kind, self.now, self.now + draw.choice((1, 1, 30, 200))))
                if draw.random() < 0.3:
                    await store.claim_probe(deployment.id, 60.0)
            if scarce or draw.random() < 0.2:
                counters = [limit.counter for limit in deployment.limits]
                await store.acquire(f"held:{deployment.id}", [Claim(counter, 99_999, 3) for counter in counters])
            if draw.random() < 0.3:
                store.observe(deployment.id, draw.choice((10.0, 500.0)), None, 10)
            for _ in range(draw.randrange(2)):
                store.began(deployment.id)
        router.health.learn_outages(store.view().outages)


async def made(
    router: CallRouter, call: Call, heard: list[Event]
) -> tuple[str | None, DragomanError | None, Queued | None]:
    """Who was asked first, the error, and the wait."""
    error: DragomanError | None = None
    try:
        attempts = (await router.answer(call)).attempts
    except DragomanError as failure:
        error, attempts = failure, failure.attempts
    sent = [each for each in attempts if each.status is None or each.status not in (400, 404)]
    queued = next((event for event in heard if isinstance(event, Queued)), None)
    return sent[0].deployment if sent else None, error, queued


async def check(upstream: Upstream, make: Make, seed: int) -> str:
    """The kind of explanation that was seen to hold."""
    world, heard = World(seed), list[Event]()
    deployments = [world.deployment(upstream, "smart", number) for number in range(world.draw.choice((1, 2, 4)) + 1)]
    deployments += [world.deployment(upstream, "backup", number) for number in range(2)]
    deployments += [world.deployment(upstream, "last", 0)]
    router = make(*deployments, clock=world.clock, settings=world.settings(), listeners=(heard.append,))
    for number in range(world.draw.randrange(3)):
        try:
            await router.answer(world.call(number))
        except DragomanError:
            world.now += 1
    await world.trouble(router)
    world.now += world.draw.choice((0.0, 2.0))
    call = world.call(9)
    before = upstream.calls[:]
    heard.clear()
    world.dice.seed(seed)
    explained = await router.explain(dataclasses.replace(call))
    assert upstream.calls == before
    assert heard == []
    assert explained.as_dict()
    world.dice.seed(seed)
    slept = world.slept
    asked, error, queued = await made(router, call, heard)
    what = f"seed {seed}: {explained}"
    if explained.queue is not None:
        assert queued is not None, what
        assert (queued.position, queued.alias) == (explained.queue.position, explained.queue.alias), what
        assert world.now <= explained.queue.until + 0.01, what
        return "queue"
    if explained.refusal is not None:
        assert error is not None, what
        assert type(error).__name__ == explained.refusal.error, f"{what}: {error}"
        assert (error.status_code, error.code) == (explained.refusal.status, explained.refusal.code), what
        after = error.retry_after if isinstance(error, APIError) else None
        assert after == pytest.approx(explained.refusal.retry_after, abs=0.01), what
        assert asked is None, what
        return "refusal"
    assert queued is None, what
    assert asked == explained.chosen, what
    assert world.slept == slept, what
    return "fallback" if explained.fallback else "chosen"


@pytest.mark.parametrize("first", range(0, 400, 50))
async def test_a_call_goes_where_the_explanation_says(upstream: Upstream, make: Make, first: int) -> None:
    seen = [await check(upstream, make, seed) for seed in range(first, first + 50)]
    assert {"chosen", "fallback", "refusal"} <= set(seen)
