"""OpenAI."""

from __future__ import annotations

from dragoman.credentials import ApiKey
from dragoman.dialects.openai_chat import ACCENTS
from dragoman.providers._endpoints import speaks
from dragoman.providers._provider import Provider

__all__ = ["PROVIDER"]

PROVIDER = Provider(
    name="openai",
    aliases=("text-completion-openai",),
    base_url="https://api.openai.com/v1",
    base_url_env=("OPENAI_API_BASE", "OPENAI_BASE_URL"),
    credential=ApiKey(env=("OPENAI_API_KEY",)),
    endpoints=speaks("openai_chat"),
    vendor="openai",
    accent=ACCENTS["openai"],
    faithful=True,
)
