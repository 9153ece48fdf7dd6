"""The store of one process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.stores.contract import StoreContract
from tests.stores.places import Place, in_memory


class TestMemory(StoreContract):
    @pytest.fixture
    async def place(self) -> AsyncIterator[Place]:
        async with in_memory() as place:
            yield place
