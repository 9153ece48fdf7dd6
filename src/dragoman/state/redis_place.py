"""Where the shared Redis is: the `redis_*` settings as one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from dragoman.state import Policy

__all__ = ["RedisPlace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisPlace:
    """Where the state is that several processes share: a whole `url`, or its parts."""

    url: str | None = field(default=None, repr=False)
    host: str | None = None
    port: int = 6379
    password: str | None = field(default=None, repr=False)
    db: int = 0
    prefix: str = "dragoman"
    """Those who have the same share their state."""
    policy: Policy = "fail_open"
    """What becomes of limits while Redis does not answer: each process counts alone, or all refuse."""

    @property
    def address(self) -> str | None:
        """None: the state is in the memory of this process."""
        if self.url is not None or self.host is None:
            return self.url
        secret = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{secret}{self.host}:{self.port}/{self.db}"
