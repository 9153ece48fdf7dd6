"""What is made from the list follows it when it changes."""

from __future__ import annotations

from collections.abc import Callable

from dragoman.routing import CallRouter, RouterSettings
from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.strategies import usage_based
from dragoman.state import Counter, MemoryStore
from tests.routing.test_health import chat
from tests.routing.upstream import Upstream, soon


async def test_the_limits_that_are_watched(upstream: Upstream) -> None:
    store = MemoryStore()
    router = CallRouter(
        [upstream.deployment("a", "sim", rpm=1)], settings=RouterSettings(strategy=usage_based), store=store
    )
    router.adopt(router.plan([upstream.deployment("b", "sim", itpm=1)]))
    assert set(store.view().used) == {Counter("b:0:itpm", 60.0)}
    router.adopt(router.plan(settings=RouterSettings()))
    assert dict(store.view().used) == {}


async def test_copies_and_what_is_checked(upstream: Upstream, make: Callable[..., CallRouter]) -> None:
    router = make(upstream.deployment("a", "sim"))
    copied = upstream.deployment("a", "sim", number=1, silent_model="b")
    router.adopt(router.plan([copied, upstream.deployment("b", "sim")]))
    assert {member.deployment.alias for member in router.health_checker.members()} == {"a", "b"}
    await router.answer(chat("a"))
    await soon(lambda: len(upstream.calls) == 2)


async def test_a_session_stays_where_it_was(upstream: Upstream, make: Callable[..., CallRouter]) -> None:
    listed = [upstream.deployment("a", "sim", number=number, order=0) for number in range(8)]
    router = make(*listed, settings={"affinity": AffinityPolicy(kinds=frozenset({"session_affinity"}))})
    said = {"session_id": "s"}
    home = (await router.answer(chat("a", metadata=said))).attempts[-1].deployment
    router.adopt(router.plan([*listed[4:], *listed[:4], upstream.deployment("a", "sim", number=8, order=0)]))
    found = {(await router.answer(chat("a", metadata=said))).attempts[-1].deployment for _ in range(5)}
    assert found == {home}
