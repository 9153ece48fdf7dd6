"""What a credential adds to a request."""

from __future__ import annotations

from collections.abc import Mapping

from dragoman.credentials import Credential, HttpRequest

__all__ = ["signed_headers"]


async def signed_headers(credential: Credential, key: str | None, *, provider: str = "persimmon") -> Mapping[str, str]:
    """Return the headers of a request that had none before it was signed."""
    request = HttpRequest("POST", "https://persimmon.test/v1/chat", {}, b"{}")
    signed = await credential.sign(request, key, provider=provider)
    assert (signed.method, signed.body) == (request.method, request.body)
    return signed.headers
