"""One simulator for all tests of this folder, its notes empty at the start of each; and routers that are closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from dragoman.routing import CallRouter, Deployment, RouterSettings
from tests.routing.upstream import Upstream, running_upstream


@pytest.fixture(scope="session")
def simulator() -> Iterator[Upstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture
def upstream(simulator: Upstream) -> Upstream:
    simulator.simulator.call_log.reset()
    return simulator


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., CallRouter]]:
    """Routers that are closed at the end."""
    made: list[CallRouter] = []

    def router(*deployments: Deployment, **more: Any) -> CallRouter:
        made.append(CallRouter(deployments, settings=RouterSettings(**more.pop("settings", {})), **more))
        return made[-1]

    yield router
    for router_made in made:
        await router_made.aclose()
