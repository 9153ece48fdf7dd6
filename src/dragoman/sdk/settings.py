"""The settings that `dragoman.drop_params = True` and its like change: the defaults of every call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["SETTINGS", "Settings"]


class Settings:
    """The module's settings. `dragoman.NAME` reads and writes them; None means not set."""

    drop_params: bool = False
    """Leave out, and report, parameters that a provider cannot express, instead of refusing the call."""
    num_retries: int | None = None
    request_timeout: float | None = None
    """Seconds for a whole call."""
    stream_timeout: float | None = None
    """Seconds to the first content of a stream."""
    api_key: str | None = None
    """For calls without one; else each provider's environment variables are read."""
    api_base: str | None = None
    api_version: str | None = None
    headers: Mapping[str, str] | None = None
    """Sent with every request."""
    default_fallbacks: Sequence[str | dict[str, Any]] | None = None
    suppress_debug_info: bool = False
    """Accepted: there is none."""
    telemetry: bool = False
    """Accepted: there is none."""

    def __init__(self) -> None:
        self._custom_provider_map: list[dict[str, Any]] = []
        self._set_verbose = False

    @property
    def set_verbose(self) -> bool:
        """Whether to log every call to the standard error (or to the handlers of the application), and to show whole tracebacks of
        our errors."""
        return self._set_verbose

    @set_verbose.setter
    def set_verbose(self, value: bool) -> None:
        from dragoman.sdk._verbosity import set_log_level

        if bool(value) != self._set_verbose:
            set_log_level("DEBUG" if value else None)
        self._set_verbose = bool(value)

    @set_verbose.deleter
    def set_verbose(self) -> None:
        self.set_verbose = False

    @property
    def custom_provider_map(self) -> list[dict[str, Any]]:
        """`[{"provider": name, "custom_handler": CustomLLM()}]`: assigning it registers the providers."""
        return self._custom_provider_map

    @custom_provider_map.setter
    def custom_provider_map(self, entries: list[dict[str, Any]]) -> None:
        from dragoman.errors import ConfigError
        from dragoman.sdk.custom import register_provider

        given: Any = entries
        if not isinstance(given, (list, tuple)):
            raise ConfigError(f"custom_provider_map: expected a list, got {type(given).__name__}")
        for position, entry in enumerate(given):
            if not isinstance(entry, Mapping) or not {"provider", "custom_handler"} <= entry.keys():
                path = f"custom_provider_map[{position}]"
                raise ConfigError(f"{path}: expected an object with `provider` and `custom_handler`", param=path)
            register_provider(entry["provider"], entry["custom_handler"])
        self._custom_provider_map = entries

    def options(self) -> dict[str, Any]:
        """What they say, under the names of a call's parameters."""
        values = {
            "drop_params": self.drop_params or None,
            "num_retries": self.num_retries,
            "timeout": self.request_timeout,
            "stream_timeout": self.stream_timeout,
            "api_key": self.api_key,
            "api_base": self.api_base,
            "api_version": self.api_version,
            "extra_headers": self.headers,
            "fallbacks": self.default_fallbacks,
        }
        return {name: value for name, value in values.items() if value is not None}


SETTINGS = Settings()
