"""What would happen to a call, and that it then happens; and that looking changes nothing and tells no secret."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from dragoman.observe import Event
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Clock, Explanation
from dragoman.routing.choice.canary import ThresholdCheck
from dragoman.routing.explain.explanation import Candidate, MirrorPreview
from dragoman.routing.settings.canary import Canary, CanaryThresholds
from dragoman.routing.settings.hedge import HedgePolicy
from dragoman.routing.settings.mirror import Mirror, MirrorPolicy
from dragoman.routing.settings.queue import QueuePolicy
from dragoman.routing.settings.routes import parse_routes
from dragoman.routing.strategies import STRATEGIES
from dragoman.state import Counter, Outage
from dragoman.types.operations import CHAT, EMBEDDING, TEXT_COMPLETION
from tests.routing.upstream import Stillness, Upstream

HELLO = [{"role": "user", "content": "Hello, canary-of-the-prompt"}]
Make = Callable[..., CallRouter]


def chat(model: str, **options: Any) -> Call:
    request = {"model": model, "messages": HELLO, **options.pop("request", {})}
    return Call(operation=CHAT, model=model, request=request, options=CallOptions(**options))


def row(explained: Explanation, deployment: str) -> Candidate:
    return next(item for item in explained.candidates if item.deployment == deployment)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("name", sorted(STRATEGIES))
async def test_what_is_explained_then_happens(upstream: Upstream, make: Make, name: str, provider: str) -> None:
    """The same seed before the question and before the call: the same deployment, whatever the state."""
    dice = random.Random()
    clock = dataclasses.replace(Clock(), random=dice.random)
    shares = (
        {"weight": 1, "rpm": 3},
        {"weight": 5, "tpm": 400},
        {"weight": 2, "max_parallel_requests": 1},
        {"order": 1},
    )
    deployments = [
        upstream.deployment("smart", "sim", provider=provider, number=number, **{"order": 0, **share})
        for number, share in enumerate(shares)
    ]
    router = make(*deployments, clock=clock, settings={"strategy": STRATEGIES[name], "num_retries": 0})
    seen, last = set(), ""
    for seed in range(12):
        if seed == 6:
            router.store.open_circuit(last, Outage("500", "InternalServerError", 0, clock.time() + 99))
        dice.seed(seed)
        explained = await router.explain(chat("smart"))
        assert sum(item.chosen for item in explained.candidates) == 1
        dice.seed(seed)
        answer = await router.answer(chat("smart"))
        [attempt] = answer.attempts
        assert (explained.chosen, explained.why) == (attempt.deployment, attempt.why)
        assert {item.deployment for item in explained.candidates if item.dropped} >= set(dict(attempt.passed_over))
        last = attempt.deployment
        seen.add(last)
    assert len(seen) > 1


async def test_looking_sends_nothing_claims_nothing_and_tells_no_secret(upstream: Upstream, make: Make) -> None:
    heard: list[Event] = []
    settings = {"fallbacks": {"smart": ("backup", "gone/away")}, "context_window_fallbacks": {"smart": ("big",)}}
    router = make(
        upstream.deployment("smart", "sim", rpm=1),
        upstream.deployment("backup", "sim", provider="anthropic", order=3),
        upstream.deployment("big", "sim", provider="gemini"),
        listeners=(heard.append,),
        settings=settings,
    )
    before = router.store.view()
    for _ in range(3):
        explained = await router.explain(chat("smart", api_key=None, extra_headers={"x-secret": "canary-header"}))
        assert explained.chosen == "smart:0"
    text = json.dumps(explained.as_dict())
    for secret in ("secretsecret", upstream.address, "127.0.0.1", "canary"):
        assert secret not in text
    assert upstream.calls == []
    assert heard == []
    assert router.store.view() == before
    general, window, policy = explained.plans
    assert [(plan.on, plan.attempts) for plan in explained.plans] == [
        ("general", 3),
        ("context_window", 1),
        ("content_policy", 1),
    ]
    assert [(target.alias, target.deployment) for target in general.fallbacks] == [
        ("backup", "backup:0"),
        ("gone/away", None),
    ]
    assert "gone" in general.fallbacks[1].why
    assert [target.alias for target in window.fallbacks] == ["big"]
    assert policy.fallbacks == general.fallbacks
    assert explained.tokens
    assert explained.timeout == 600


async def test_why_others_are_not_asked_and_for_how_long(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim[error=429;retry-after=40]", number=0),
        upstream.deployment("smart", "sim", number=1, rpm=1),
        upstream.deployment("smart", "sim", number=2, blocked=True),
        upstream.deployment("smart", "sim", number=3),
        upstream.deployment("smart", "sim", number=4),
        clock=still.clock,
    )
    await router.answer(chat("smart"))
    explained = await router.explain(chat("smart"))
    assert explained.chosen == "smart:3"
    out, limited, blocked, chosen, later = (row(explained, f"smart:{number}") for number in range(5))
    assert out.dropped == "out: 429 RateLimitError"
    assert out.until == pytest.approx(still.clock.time() + 40, abs=2)
    assert limited.dropped == "smart:1:rpm is at its limit: 1 of 1"
    [rpm] = limited.limits
    assert (rpm.name, rpm.used, rpm.asks, rpm.limit) == ("rpm", 1, 1, 1)
    assert blocked.dropped == "blocked: by the configuration"
    assert (chosen.dropped, chosen.chosen) == (None, True)
    assert later.dropped == "order: those of order 3 are asked first"


async def test_the_line_is_told_and_left_as_it_is(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(
        upstream.deployment("smart", "sim", rpm=1),
        clock=still.clock,
        settings={"longest_wait": 120.0, "queue": QueuePolicy(default_priority=5, timeout=90.0)},
    )
    await router.answer(chat("smart"))
    explained = await router.explain(chat("smart"))
    assert (explained.chosen, explained.refusal, explained.why) == (None, None, "it would wait for its turn")
    queue = explained.queue
    assert queue is not None
    assert (queue.alias, queue.position, queue.priority) == ("smart", 1, 5)
    assert queue.until == pytest.approx(still.clock.time() + 90, abs=1)
    assert queue.ready == pytest.approx(still.clock.time() + 60, abs=2)
    assert len(router.wait_queue) == 0
    assert still.slept == []
    full = make(upstream.deployment("smart", "sim", rpm=1), settings={"queue": QueuePolicy(max_size=0)})
    await full.answer(chat("smart"))
    refusal = (await full.explain(chat("smart"))).refusal
    assert refusal is not None
    assert (refusal.status, refusal.code) == (429, "overloaded")
    assert refusal.retry_after == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("policy", "more", "after", "second", "why"),
    [
        (HedgePolicy(after=2), {}, 2, "smart:1", "the only one left"),
        (HedgePolicy(), {}, None, None, "its usual time is not known yet, from 10 calls"),
        (
            HedgePolicy(after=2),
            {"blocked": True},
            2,
            None,
            "nobody else can be asked (smart:1: blocked: by the configuration)",
        ),
        (
            HedgePolicy(after=2, max_extra_cost=0),
            {},
            2,
            None,
            "nobody else can be asked (smart:1: it may cost more than max_extra_cost)",
        ),
    ],
)
async def test_who_would_be_asked_beside_it(
    upstream: Upstream, make: Make, policy: HedgePolicy, more: dict[str, Any], after: Any, second: Any, why: str
) -> None:
    both = (upstream.deployment("smart", "sim"), upstream.deployment("smart", "sim", number=1, rpm=1, **more))
    router = make(*both, settings={"hedge": policy})
    hedge = (await router.explain(chat("smart"))).hedge
    assert hedge is not None
    assert (hedge.after, hedge.deployment, hedge.why) == (after, second, why)
    assert (await make(*both).explain(chat("smart"))).hedge is None
    assert await router.store.used([Counter("smart:1:rpm", 60.0)]) == (0,)


async def test_who_gets_a_copy_and_whose_canary_it_is(upstream: Upstream, make: Make) -> None:
    mirrors = (
        Mirror("smart", "shadow", 0.5),
        Mirror("*", "shadow", 0.5),
        Mirror("other", "silent"),
        Mirror("*", "smart"),
    )
    router = make(
        upstream.deployment("smart", "sim", silent_model="silent"),
        upstream.deployment("smart", "sim", number=9),
        upstream.deployment("shadow", "sim"),
        upstream.deployment("silent", "sim"),
        settings={
            "mirror": MirrorPolicy(mirrors=mirrors),
            "canary": (Canary(model="smart", deployment="smart:9", share=0.0, gates=CanaryThresholds(error_rate=0.1)),),
        },
    )
    explained = await router.explain(chat("smart"))
    assert explained.mirrors == (MirrorPreview("shadow", 0.75), MirrorPreview("silent", 1.0))
    (canary,) = explained.canaries
    assert (canary.deployment, canary.share, canary.stopped, canary.drawn) == ("smart:9", 0.0, None, False)
    assert (canary.drawn_by, canary.gates) == ("chance", (ThresholdCheck("error_rate", None, 0.1),))
    by_session = await router.explain(chat("smart", metadata={"session_id": "a"}))
    assert by_session.canaries[0].drawn_by == "session_id"
    assert (await router.explain(chat("smart", api_key="sk-mine"))).canaries[0].drawn_by == ""
    assert (await router.explain(chat("shadow"))).canaries == ()


async def test_what_follows_a_stream_that_breaks_off(upstream: Upstream, make: Make) -> None:
    claude = "claude-sonnet-4-20250514"
    deployments = (
        upstream.deployment("smart", "sim"),
        upstream.deployment("smart", claude, provider="anthropic", number=1),
        upstream.deployment("backup", claude, provider="anthropic"),
    )
    settings = {"fallbacks": {"smart": ("backup",)}, "mid_stream_fallback": "continue"}
    call = dataclasses.replace(chat("smart"), stream=True)
    told = (await make(*deployments, settings=settings).explain(call)).mid_stream
    assert told is not None
    assert (told.continues, told.deployments) == (True, ("smart:1", "backup:0"))
    told = (await make(*deployments).explain(call)).mid_stream
    assert told is not None
    assert (told.continues, told.why) == (False, "mid_stream_fallback is error")
    assert (await make(*deployments, settings=settings).explain(chat("smart"))).mid_stream is None


async def test_a_fallback_that_would_be_asked_at_once_is_the_chosen_one(upstream: Upstream, make: Make) -> None:
    router = make(
        upstream.deployment("smart", "sim", blocked=True),
        upstream.deployment("backup", "sim"),
        settings={"fallbacks": {"smart": ("backup",)}},
    )
    explained = await router.explain(chat("smart"))
    assert (explained.chosen, explained.fallback, explained.refusal) == ("backup:0", "backup", None)
    assert row(explained, "smart:0").dropped == "blocked: by the configuration"
    tested = await router.explain(chat("backup", mock_testing_fallbacks=True))
    assert (tested.chosen, row(tested, "backup:0").dropped) == (None, "the call tests its fallbacks")


async def test_nobody_is_told_as_the_caller_would_hear_it(upstream: Upstream, make: Make) -> None:
    still = Stillness()
    router = make(upstream.deployment("smart", "sim", rpm=1), clock=still.clock, settings={"longest_wait": 0})
    await router.answer(chat("smart"))
    explained = await router.explain(chat("smart"))
    assert (explained.chosen, explained.why) == (None, "nobody can be asked now")
    assert explained.refusal is not None
    assert (explained.refusal.error, explained.refusal.status) == ("RateLimitError", 429)
    with pytest.raises(Exception, match="no deployment of 'smart' can be asked now"):
        await router.answer(chat("smart"))


async def test_a_request_that_cannot_be_written_and_one_that_loses_a_parameter(upstream: Upstream, make: Make) -> None:
    router = make(upstream.deployment("smart", "sim", provider="anthropic"))
    refused = await router.explain(chat("smart", request={"logit_bias": {"5": 1}}))
    assert refused.refusal is not None
    assert (refused.refusal.error, refused.refusal.param) == ("UnsupportedParamsError", "logit_bias")
    dropping = await router.explain(chat("smart", request={"logit_bias": {"5": 1}}, drop_params=True))
    assert (dropping.refusal, dropping.dropped_params) == (None, ("logit_bias",))
    text = Call(operation=TEXT_COMPLETION, model="smart", request={"model": "smart", "prompt": "Hi", "suffix": "!"})
    assert (await router.explain(text)).refusal is not None
    text.options = CallOptions(drop_params=True)
    assert (await router.explain(text)).dropped_params == ("suffix",)
    embedding = Call(operation=EMBEDDING, model="smart", request={"model": "smart", "input": "Hi"})
    offered = (await router.explain(embedding)).refusal
    assert offered is not None
    assert offered.status == 404
    assert upstream.calls == []


async def test_the_cost_that_is_shown_holds(upstream: Upstream, make: Make) -> None:
    prices = {"prices": {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6}}
    router = make(upstream.deployment("smart", "gpt-9", options=prices), upstream.deployment("free", "sim"))
    explained = await router.explain(chat("smart", request={"max_tokens": 50}))
    assert explained.cost is not None
    assert explained.cost.upper is not None
    lines = {line.bucket: line for line in explained.cost.lines}
    assert (lines["output"].count, lines["output"].rate, lines["output"].amount) == (50, "4", "0.0002")
    assert explained.cost.source == "config"
    answer = await router.answer(chat("smart", request={"max_tokens": 50}))
    assert isinstance(answer, Answer)
    assert answer.cost is not None
    assert answer.cost.total is not None
    assert float(explained.cost.lower or 0) <= answer.cost.total / 1e9 <= float(explained.cost.upper)
    unknown = (await router.explain(chat("free"))).cost
    assert unknown is not None
    assert (unknown.upper, unknown.notes[-1]) == (None, "no price of the model is known")


async def test_a_conditional_route_is_named(upstream: Upstream, make: Make) -> None:
    routes = parse_routes([{"if": {"model": "smart", "operation": "chat"}, "use": "big"}], "routes")
    router = make(upstream.deployment("smart", "sim"), upstream.deployment("big", "sim"), settings={"routes": routes})
    explained = await router.explain(chat("smart"))
    assert (explained.model, explained.alias, explained.route, explained.chosen) == (
        "smart",
        "big",
        "routes[0]",
        "big:0",
    )
    assert (await router.explain(chat("big"))).route is None
