"""One simulator for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.running import running


@pytest.fixture(scope="session")
def simulator() -> Iterator[str]:
    with running("simulate", health="/_simulator/health") as address:
        yield address
