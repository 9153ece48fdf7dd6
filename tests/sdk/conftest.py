"""One simulator for all tests of this folder, its notes empty at the start of each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.routing.upstream import Upstream, running_upstream


@pytest.fixture(scope="session")
def simulator() -> Iterator[Upstream]:
    with running_upstream() as running:
        yield running


@pytest.fixture
def upstream(simulator: Upstream) -> Upstream:
    simulator.simulator.call_log.reset()
    return simulator
