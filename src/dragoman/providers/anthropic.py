"""Anthropic."""

from __future__ import annotations

from dragoman.credentials import ApiKey, FirstAvailable
from dragoman.providers._endpoints import speaks
from dragoman.providers._provider import Provider

__all__ = ["PROVIDER"]

PROVIDER = Provider(
    name="anthropic",
    base_url="https://api.anthropic.com",
    base_url_env=("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
    headers={"anthropic-version": "2023-06-01"},
    credential=FirstAvailable(
        ApiKey(env=("ANTHROPIC_API_KEY",), header="x-api-key", scheme=""),
        # A token from a login instead of a key: https://docs.anthropic.com/en/docs/claude-code/settings (ANTHROPIC_AUTH_TOKEN)
        ApiKey(env=("ANTHROPIC_AUTH_TOKEN",), prefix="sk-ant-oat"),
    ),
    endpoints=speaks("anthropic_messages"),
    vendor="anthropic",
    faithful=True,
)
