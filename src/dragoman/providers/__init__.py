"""Providers: the dialect, address and credential of each. Data; nothing here opens a connection."""

from __future__ import annotations

from dragoman.providers._address import address, base_address, missing_settings, models_address
from dragoman.providers._endpoints import speaks
from dragoman.providers._mapping import provider_from_mapping
from dragoman.providers._provider import Endpoint, Provider
from dragoman.providers._registry import Providers
from dragoman.providers._supported import supported_openai_params

__all__ = [
    "Endpoint",
    "Provider",
    "Providers",
    "address",
    "base_address",
    "missing_settings",
    "models_address",
    "provider_from_mapping",
    "speaks",
    "supported_openai_params",
]
