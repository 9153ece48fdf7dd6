"""Where the shared Redis is: the `redis_*` settings as one record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from dragoman.errors import ConfigError
from dragoman.settings.readers import text, whole
from dragoman.settings.setting import setting
from dragoman.state import Policy, address_fault

__all__ = ["RedisPlace"]


def _redis_url(value: Any, path: str) -> str:
    """Return an address that the Redis client can read. No message repeats any of it: it may hold a password."""
    address = text(value, path)
    try:
        parts = urlsplit(address)
        usable = bool(parts.path) if parts.scheme == "unix" else bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.scheme not in ("redis", "rediss", "unix"):
        expected = "an address such as redis://host:6379/0, rediss://host:6379/0 or unix:///path"
        raise ConfigError(f"{path}: expected {expected}", param=path)
    fault = address_fault(address)
    if fault is not None:
        raise ConfigError(f"{path}: {fault}", param=path)
    return address


def _policy(value: Any, path: str) -> str:
    if value not in ("fail_open", "fail_closed"):
        raise ConfigError(f"{path}: expected fail_open or fail_closed", param=path)
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPlace:
    """Where the state is that several processes share: a `url`, or its parts."""

    url: str | None = setting(
        None,
        _redis_url,
        "a Redis through which several gateways share state, see [shared state](reliability.md#limits-and-shared-state)",
        name="redis_url",
        kind="text",
        is_secret=True,
    )
    host: str | None = setting(None, text, "the host of the same Redis, instead of `redis_url`", name="redis_host")
    port: int = setting(6379, whole(1, 65535), "its port", name="redis_port")
    password: str | None = setting(None, text, "its password", name="redis_password", is_secret=True)
    db: int = setting(0, whole(), "the number of its database", name="redis_db")
    prefix: str = setting("dragoman", text, "routers with the same prefix share their state", name="redis_prefix")
    policy: Policy = setting(
        "fail_open",
        _policy,
        "while Redis does not answer: each process counts its limits alone, or calls of limited deployments are refused",
        name="redis_policy",
        kind="`fail_open`, `fail_closed`",
    )

    @property
    def address(self) -> str | None:
        """None: the state is in the memory of this process."""
        if self.url is not None or self.host is None:
            return self.url
        secret = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{secret}{self.host}:{self.port}/{self.db}"
