"""The recordings, or a reason to skip."""

from __future__ import annotations

import os

import pytest

from tests.models.tokens.counted import Exchange, exchanges


@pytest.fixture(name="recorded")
def _recorded() -> tuple[Exchange, ...]:
    """Every recorded exchange whose tokens were reported."""
    if not exchanges():
        if os.environ.get("CI") == "true":
            pytest.fail("the recordings are missing")
        pytest.skip("the recordings are missing")
    return exchanges()
