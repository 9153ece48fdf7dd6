"""Google's Gemini API (AI Studio)."""

from __future__ import annotations

from dragoman.credentials import ApiKey
from dragoman.providers._endpoints import speaks
from dragoman.providers._provider import Provider

__all__ = ["PROVIDER"]

PROVIDER = Provider(
    name="gemini",
    aliases=("google", "googleai", "google_ai_studio"),
    base_url="https://generativelanguage.googleapis.com/v1beta",
    base_url_env=("GEMINI_API_BASE", "GEMINI_BASE_URL"),
    version="/v1beta",
    credential=ApiKey(env=("GEMINI_API_KEY", "GOOGLE_API_KEY"), header="x-goog-api-key", scheme=""),
    endpoints=speaks("gemini"),
    vendor="google",
    faithful=True,
)
