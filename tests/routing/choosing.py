"""Groups of deployments that nobody asks, for tests of the choice alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from dragoman.models import Catalogue
from dragoman.providers import Providers
from dragoman.routing import Call, CallOptions, Deployment
from dragoman.routing.choice.affinity import Affinity
from dragoman.routing.choice.group import ModelGroup
from dragoman.routing.deployments.member import Member
from dragoman.routing.request import GroupRequest
from dragoman.routing.selection import Choice
from dragoman.routing.settings.checks import CheckPolicy
from dragoman.routing.strategies import Strategy, simple_shuffle
from dragoman.state import View
from dragoman.state._histogram import Observed
from dragoman.types.operations import OPERATIONS

__all__ = ["NOW", "asked_of", "chance_of", "deployment", "group_of", "observed", "picks"]

NOW = 1_800_000_000.0
CATALOGUE = Catalogue()
HELLO = [{"role": "user", "content": "Hello"}]


def deployment(number: int, model: str = "gpt-4.1", *, provider: str = "openai", **more: Any) -> Deployment:
    entry = more.pop("entry", None) or CATALOGUE.find(provider, model)
    record = Providers().find(provider)
    return Deployment(id=f"smart:{number}", alias="smart", provider=record, model=model, entry=entry, **more)


def group_of(
    deployments: Sequence[Deployment], strategy: Strategy = simple_shuffle, policy: CheckPolicy | None = None
) -> ModelGroup:
    members = [Member(item, item.id, item.credential_key, alone=False) for item in deployments]
    return ModelGroup("smart", members, strategy, policy)


def chance_of(*values: float) -> Callable[[], float]:
    """Chance that says these in turn, again and again."""
    turns = iter(range(10**9))
    return lambda: values[next(turns) % len(values)]


def asked_of(
    group: ModelGroup,
    request: dict[str, Any] | None = None,
    *,
    stream: bool = False,
    random: Callable[[], float] = lambda: 0.5,
    now: Callable[[], float] = lambda: NOW,
    affinity: Affinity | None = None,
    explaining: bool = False,
    operation: str = "chat",
    **options: Any,
) -> GroupRequest:
    said = dict(request or {})
    if operation == "chat":
        said.setdefault("messages", HELLO)
    call = Call(
        operation=OPERATIONS[operation], model="smart", request=said, stream=stream, options=CallOptions(**options)
    )
    return GroupRequest(
        call,
        group,
        request=said,
        options=call.options,
        home_provider="openai",
        random=random,
        now=now,
        affinity=affinity,
        explaining=explaining,
    )


def picks(group: ModelGroup, view: View, times: int, *, seed: int = 7, **more: Any) -> dict[str, int]:
    """How often each deployment is chosen, by chance that is the same each time."""
    chance = random.Random(seed).random
    counted = {member.deployment.id: 0 for member in group.members}
    for _ in range(times):
        choice = group.choose(asked_of(group, random=chance, **more), view)
        assert isinstance(choice, Choice)
        counted[choice.member.deployment.id] += 1
    return counted


def observed(
    latency: float, first_content: float | None = None, per_token: float | None = None, *, ago: float = 0.0
) -> Observed:
    """Three calls that took so many milliseconds."""
    found = Observed.nothing(NOW - ago)
    for _ in range(3):
        found.latency.add(latency, NOW - ago)
        if first_content is not None:
            found.first_content.add(first_content, NOW - ago)
        if per_token is not None:
            found.per_token.add(per_token, NOW - ago)
    return found
