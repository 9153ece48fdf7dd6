"""Laws of the router: whatever fails, in whatever order, with whatever settings, these hold. A referee objects as it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman import errors
from dragoman.routing import Answer, Call, CallOptions, RouterSettings, StreamAnswer
from dragoman.routing.settings.health import HealthPolicy
from dragoman.routing.settings.retry import RetryPolicy
from dragoman.types.operations import CHAT
from tests.routing.faults._referee import FATES, Fate, Referee, Wanted

ALIASES = ("a", "b", "c")
fates = st.lists(st.sampled_from(FATES), min_size=1, max_size=5).map(tuple)
deployments = st.lists(
    st.builds(Wanted, st.sampled_from(ALIASES), st.integers(0, 2), st.sampled_from(("k1", "k2", "k3")), fates),
    max_size=4,
)
targets = st.lists(st.sampled_from(ALIASES), max_size=3, unique=True).map(tuple)
routers = st.fixed_dictionaries(
    {
        "num_retries": st.integers(0, 4),
        "fallbacks": st.dictionaries(st.sampled_from(ALIASES), targets, max_size=3),
        "default_fallbacks": targets,
        "max_fallbacks": st.integers(0, 3),
        "timeout": st.sampled_from((1.0, 20.0, 600.0)),
        "longest_wait": st.sampled_from((0.1, 5.0, 60.0)),
        "retry_after": st.sampled_from((0.0, 1.5)),
        "health": st.builds(
            HealthPolicy,
            disabled=st.booleans(),
            allowed_fails=st.integers(0, 3),
            cooldown=st.sampled_from((0.5, 5.0)),
        ),
        "retry_policy": st.builds(
            RetryPolicy,
            retries=st.dictionaries(st.sampled_from(("RateLimitError", "Timeout")), st.integers(0, 2), max_size=2),
        ),
    }
)
calls = st.lists(
    st.tuples(
        st.sampled_from(ALIASES), st.booleans(), st.none() | st.integers(0, 4), st.sampled_from((0.0, 1.0, 7.0, 100.0))
    ),
    min_size=1,
    max_size=8,
)


async def make_call(referee: Referee, alias: str, *, stream: bool, retries: int | None) -> None:
    referee.begin(alias)
    request: Any = {"model": alias, "messages": [{"role": "user", "content": "Hello"}]}
    call = Call(operation=CHAT, model=alias, request=request, stream=stream, options=CallOptions(num_retries=retries))
    budget = referee.settings.num_retries if retries is None else retries
    error: errors.APIError | None = None
    answer: Answer | StreamAnswer | None = None
    try:
        answer = await referee.router.answer(call)
        if isinstance(answer, StreamAnswer):
            async for _ in answer.batches:
                pass
    except errors.APIError as caught:
        error = caught
    attempts = error.attempts if error is not None else answer.attempts if answer is not None else ()
    referee.ended(attempts, error, streamed=isinstance(answer, StreamAnswer), retries=budget)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(more=deployments, first=fates, said=routers, made=calls)
def test_whatever_fails(more: list[Wanted], first: tuple[Fate, ...], said: dict[str, Any], made: list[Any]) -> None:
    async def play() -> list[str]:
        known = [Wanted("a", 0, "k1", first), *more]
        there = {wanted.alias for wanted in known}
        only = {alias: [each for each in found if each in there] for alias, found in said["fallbacks"].items()}
        default = tuple(each for each in said["default_fallbacks"] if each in there)
        settings = {**said, "fallbacks": {a: tuple(t) for a, t in only.items()}, "default_fallbacks": default}
        referee = Referee(known, RouterSettings(**settings))
        for alias, stream, retries, pause in made:
            referee.time += pause
            if alias in there:
                await make_call(referee, alias, stream=stream, retries=retries)
        await referee.router.aclose()
        return referee.problems

    assert asyncio.run(play()) == []
