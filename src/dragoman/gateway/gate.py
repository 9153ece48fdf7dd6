"""Who may call. Bound to the matched route, deny by default.

Without a master key only this machine may call, and then a browser must be kept out too: a page on the internet can make
one send requests to 127.0.0.1 (by DNS rebinding even read the answers), which is why Host and Origin are looked at.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from dragoman.errors import CallerAuthenticationError, ConfigError

__all__ = ["Gate", "check_master_key", "is_loopback"]

_SHORTEST_KEY = 16
_FEWEST_CHARACTERS = 6
_SAMPLES = (
    "sk-1234",
    "sk-master",
    "masterkey",
    "your-",
    "my-master",
    "changeme",
    "change-me",
    "placeholder",
    "example",
    "secret-key",
    "password",
    "0123456789",
    "1234567890",
)
"""What stands in tutorials where a key should."""

_HEADERS = ("x-api-key", "x-goog-api-key", "api-key")
"""Anthropic's, Google's and Azure's clients; OpenAI's sends `Authorization: Bearer`."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets a caller in, or raises `CallerAuthenticationError`."""

    master_key: str | None = field(default=None, repr=False)
    loopback_only: bool = False
    """Whether Host and Origin must be this machine's."""
    is_allowed_origin: Callable[[str], bool] = field(default=lambda origin: False, repr=False)
    """Pages elsewhere that the configuration names."""
    _digest: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.master_key is not None:
            object.__setattr__(self, "_digest", _digest(self.master_key))

    def authenticate(self, headers: Mapping[str, str], query: bytes = b"") -> None:
        """`query` is looked at for `key=`, as Google's clients may send it; empty where the route takes no such key."""
        if self._digest is None:
            if self.loopback_only:
                self.check_browser(headers)
            return
        offered = _offered(headers, query)
        if not offered:
            raise CallerAuthenticationError("no API key was given: send it as Authorization: Bearer <key>")
        # All are compared, so that the time taken tells nothing about which of them was right.
        if not any([hmac.compare_digest(_digest(key), self._digest) for key in offered]):
            raise CallerAuthenticationError("the API key is not valid for this gateway")

    def check_browser(self, headers: Mapping[str, str]) -> None:
        """Refuse a request that a foreign page may have made."""
        if not is_loopback(_host_of(headers.get("host", ""))):
            raise CallerAuthenticationError("without a master key only requests to a loopback address are answered")
        origin = headers.get("origin")
        if origin is not None and not (is_loopback(_hostname(origin)) or self.is_allowed_origin(origin)):
            raise CallerAuthenticationError("without a master key no requests from web pages are answered")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _offered(headers: Mapping[str, str], query: bytes) -> list[str]:
    found = [value.strip() for name in _HEADERS if (value := headers.get(name))]
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, rest = authorization.partition(" ")
        found.append(rest.strip() if scheme.lower() == "bearer" else authorization.strip())
    if b"key=" in query:
        found += parse_qs(query.decode("latin-1")).get("key", [])[:1]
    return [key for key in found if key]


def _hostname(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _host_of(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_master_key(key: str | None, host: str | None, permitted: bool) -> str | None:
    """A warning for what is allowed all the same, None where all is well. Raises `ConfigError` for what is not.

    `host` None: only the key is looked at."""
    if key is None:
        return _check_unset(host, permitted)
    weakness = _weakness(key)
    if weakness is None:
        return None
    if permitted:
        return f"general_settings.master_key {weakness}: anybody may guess it"
    raise ConfigError(
        f"general_settings.master_key: {weakness}; make one with: "
        "python -c 'import secrets; print(\"sk-\" + secrets.token_urlsafe(32))'"
    )


def _check_unset(host: str | None, permitted: bool) -> str | None:
    if host is None or is_loopback(host):
        return "there is no general_settings.master_key: everybody on this machine may call, and nobody from elsewhere"
    if permitted:
        return f"there is no general_settings.master_key, and the gateway listens on {host}: anybody may call"
    raise ConfigError(
        f"general_settings.master_key: is not set, so the gateway listens on a loopback address only, not on {host}"
    )


def _weakness(key: str) -> str | None:
    if len(key) < _SHORTEST_KEY:
        return f"is shorter than {_SHORTEST_KEY} characters"
    if len(set(key)) < _FEWEST_CHARACTERS:
        return "repeats a few characters"
    left = _own_part(key)
    if len(left) < _SHORTEST_KEY or len(set(left)) < _FEWEST_CHARACTERS:
        return "holds a sample from a tutorial, and is too short without it"
    return None


def _own_part(key: str) -> str:
    """What a key holds beside words that stand in tutorials, and what joins them. A random key that happens to hold such a word is
    as strong as the rest of it; a key without one is taken as it is."""
    left = key.lower()
    if not any(sample in left for sample in _SAMPLES):
        return left
    for sample in _SAMPLES:
        left = left.replace(sample, "")
    return "".join(filter(str.isalnum, left))
