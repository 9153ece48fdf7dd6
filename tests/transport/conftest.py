"""A transport for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dragoman.transport import Transport


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    transport = Transport()
    yield transport
    await transport.aclose()
