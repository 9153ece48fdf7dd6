"""What a choice among deployments costs: `python -m bench.choice`. No network; the best of many short runs."""

from __future__ import annotations

import asyncio
import timeit
from dataclasses import replace

from dragoman.models import Catalogue
from dragoman.providers import Providers
from dragoman.routing import Call, Deployment
from dragoman.routing.choice.affinity import Affinity
from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.deployments.member import Member
from dragoman.routing.request import GroupRequest
from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.strategies import STRATEGIES, limit_counters, strategy_of
from dragoman.state import Claim, MemoryStore, Outage
from dragoman.types.operations import CHAT

__all__ = ["main"]

RUNS, CALLS = 40, 50
SIZES = (100, 1000)
LIMITS = {100: 20.0, 1000: 100.0}
"""Microseconds: what a choice may cost."""
MODELS = (
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-4o",
    "gpt-4o-mini",
    "o3",
    "o4-mini",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
)
REQUEST = {"messages": [{"role": "user", "content": "Tell me of the dragomans of Pera. " * 20}], "max_tokens": 500}


def deployments(size: int) -> list[Deployment]:
    provider, catalogue = Providers().find("openai"), Catalogue()
    rows = [catalogue.find("openai", model) for model in MODELS]
    return [
        Deployment(
            id=f"smart:{number}",
            alias="smart",
            provider=provider,
            model=MODELS[number % len(MODELS)],
            entry=rows[number % len(MODELS)],
            tpm=100_000 + number,
            rpm=1000,
            tags=("paid",) if number % 2 else ("free",),
        )
        for number in range(size)
    ]


async def known_store(found: list[Deployment]) -> MemoryStore:
    """A store that has seen each of them at work, with a few of them busy."""
    store = MemoryStore()
    store.watch(counter for item in found for counter in limit_counters(item))
    for number, item in enumerate(found):
        store.observe(item.key, 1000.0 + number, 100.0 + number, 100)
        store.observe(item.key, 2000.0 + number, 200.0 + number, 100)
        claims = [Claim(counter, 10**9, 1 + number % 50) for counter in limit_counters(item)]
        await store.acquire(f"lease-{number}", claims)
        if number % 3 == 0:
            store.began(item.key)
    return store


def asked_of(group: ModelGroup, affinity: Affinity | None = None, **metadata: object) -> GroupRequest:
    from dragoman.routing import CallOptions, Clock

    clock, options = Clock(), CallOptions(metadata=dict(metadata))
    call = Call(operation=CHAT, model="smart", request=REQUEST, options=options)
    return GroupRequest(
        call,
        group,
        request=REQUEST,
        options=options,
        home_provider="openai",
        random=clock.random,
        now=clock.time,
        affinity=affinity,
    )


def microseconds(group: ModelGroup, asked: GroupRequest, store: MemoryStore) -> float:
    group.choose(asked, store.view())
    return min(timeit.repeat(lambda: group.choose(asked, store.view()), number=CALLS, repeat=RUNS)) / CALLS * 1e6


def take_out_some(store: MemoryStore, found: list[Deployment]) -> None:
    now = store.now()
    for item in found[::10]:
        store.open_circuit(item.key, Outage("500 InternalServerError", "InternalServerError", now, now + 600))


def line(what: str, size: int, taken: float) -> None:
    remark = "" if taken <= LIMITS[size] else f"   more than {LIMITS[size]:.0f} us"
    print(f"{what:<66}{size:>6}{taken:>10.1f} us{remark}")


async def measure(size: int) -> None:
    found = deployments(size)
    members = [Member(item, item.id, item.credential_key, alone=False) for item in found]
    policy = CheckPolicy()
    for outages in (False, True):
        store = await known_store(found)
        if outages:
            take_out_some(store, found)
        state = ", every tenth out" if outages else ""
        for name in dict.fromkeys(STRATEGIES):
            group = ModelGroup("smart", members, strategy_of(name), policy)
            line(f"{name}{state}", size, microseconds(group, asked_of(group), store))
    buffered = strategy_of("latency-based-routing", args={"lowest_latency_buffer": 0.5})
    group = ModelGroup("smart", members, buffered, policy)
    line("latency-based-routing, with a buffer of 0.5", size, microseconds(group, asked_of(group), store))
    shuffle = STRATEGIES["simple-shuffle"]
    group = ModelGroup("smart", members, shuffle, replace(policy, window=True))
    line("simple-shuffle, windows checked", size, microseconds(group, asked_of(group), store))
    group = ModelGroup("smart", members, shuffle, replace(policy, tags=True))
    line("simple-shuffle, by tags", size, microseconds(group, asked_of(group, tags=["paid"]), store))
    group = ModelGroup("smart", members, shuffle, policy)
    affinity = Affinity(AffinityPolicy(kinds=frozenset({"session_affinity"})), store.now)
    asked = asked_of(group, affinity, session_id="s1")
    affinity.answered(asked, found[1])
    line("simple-shuffle, a known session", size, microseconds(group, asked, store))


def main() -> None:
    print(f"{'a choice among':<66}{'of':>6}")
    for size in SIZES:
        asyncio.run(measure(size))


if __name__ == "__main__":
    main()
