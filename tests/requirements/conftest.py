"""A client with the gateway's key, and the two processes of the matrix for tests with the official SDKs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.matrix.conftest import addresses, bench
from tests.requirements.serving import KEY

__all__ = ["addresses", "bench", "client"]


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
        yield session
