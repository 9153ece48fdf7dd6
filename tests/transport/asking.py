"""Asking an upstream for something."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.errors import APIConnectionError
from dragoman.transport import Reply, Timeouts, Transport

__all__ = ["SECRET", "post", "refused"]

SECRET = "sk-secret-0123456789"


async def post(
    transport: Transport,
    url: str,
    *,
    body: bytes | None = b"{}",
    headers: dict[str, str] | None = None,
    timeouts: Timeouts | None = None,
    method: str = "POST",
) -> Reply:
    headers = {"authorization": f"Bearer {SECRET}", **(headers or {})}
    return await transport.send(method, url, headers=headers, body=body, timeouts=timeouts or Timeouts(total=20))


async def refused(transport: Transport, url: str, **options: Any) -> APIConnectionError:
    """The error with which a request ends, that it says nothing secret, and that nothing hides behind it."""

    async def whole() -> bytes:
        return await (await post(transport, url + "/v1/chat?key=query-secret", **options)).read()

    with pytest.raises(APIConnectionError) as caught:
        await whole()
    text = f"{caught.value!r} {caught.value.__cause__!r}"
    assert SECRET not in text
    assert "secret" not in text
    return caught.value
