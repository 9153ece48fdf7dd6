"""The gate of a gateway with a master key, or without any key, and the checks of such a key.

Without a master key only this machine may call, and a browser must be kept out too: a page on the internet can make one send
requests to 127.0.0.1 (by DNS rebinding even read the answers), which is why Host and Origin are checked.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

from dragoman.errors import CallerAuthenticationError, ConfigError
from dragoman.governance import FreeTicket, RouteAccess
from dragoman.routing import Call
from dragoman.types.caller import ANONYMOUS, Caller

__all__ = ["MasterKeyGate", "check_master_key", "is_loopback"]

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
"""What stands in tutorials in place of a key."""

_HEADERS = ("x-api-key", "x-goog-api-key", "api-key")
"""Anthropic's, Google's and Azure's clients; OpenAI's sends `Authorization: Bearer`."""


class MasterKeyGate:
    """The gate of a gateway with one key, or with none. It sets no limits: a ticket takes and settles nothing."""

    __slots__ = ("_digest", "_is_allowed_origin", "_loopback_only")

    def __init__(
        self,
        master_key: str | None = None,
        *,
        loopback_only: bool = False,
        is_allowed_origin: Callable[[str], bool] = lambda origin: False,
    ) -> None:
        """`loopback_only`: without a key, Host and Origin must be this machine's, or an origin that `is_allowed_origin`."""
        self._digest = None if master_key is None else _digest(master_key)
        self._loopback_only = loopback_only
        self._is_allowed_origin = is_allowed_origin

    async def authenticate(self, route: RouteAccess, headers: Mapping[str, str], query: bytes = b"") -> Caller:
        """Return the caller. Raise `CallerAuthenticationError`."""
        if self._digest is None:
            if self._loopback_only:
                self.check_browser(headers)
            return ANONYMOUS
        keys = _keys_in(headers, query if route.key_in_query else b"")
        if not keys:
            raise CallerAuthenticationError("no API key was given: send it as Authorization: Bearer <key>")
        matches = 0
        for key in keys:  # all are compared, so that the time taken does not tell which of them was right
            matches += hmac.compare_digest(_digest(key), self._digest)
        if not matches:
            raise CallerAuthenticationError("the API key is not valid for this gateway")
        return _HOLDER

    def admit(self, caller: Caller, call: Call) -> FreeTicket:
        return _TICKET

    async def aclose(self) -> None:
        """There is nothing to wait for."""

    def check_browser(self, headers: Mapping[str, str]) -> None:
        """Raise `CallerAuthenticationError` for a request that a foreign page may have made."""
        if not is_loopback(_host_of(headers.get("host", ""))):
            raise CallerAuthenticationError("without a master key only requests to a loopback address are answered")
        origin = headers.get("origin")
        if origin is not None and not (is_loopback(_hostname(origin)) or self._is_allowed_origin(origin)):
            raise CallerAuthenticationError("without a master key no requests from web pages are answered")


_HOLDER = Caller(key_id="master_key", key_alias="master_key")
_TICKET = FreeTicket()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _keys_in(headers: Mapping[str, str], query: bytes) -> list[str]:
    """Return the keys that a request presents; in a query as Google's clients send them (`?key=`)."""
    keys = []
    for name in _HEADERS:
        if name in headers:
            keys.append(headers[name].strip())
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        keys.append(token.strip() if scheme.lower() == "bearer" else authorization.strip())
    if b"key=" in query:
        keys += parse_qs(query.decode("latin-1")).get("key", [])[:1]
    return [key for key in keys if key] if "" in keys else keys


def _hostname(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _host_of(host: str) -> str:
    """Return the name in a Host header, without its port."""
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
    """Return a warning about a key that is allowed all the same, or None. Raise `ConfigError` for one that is not.

    `host`: the address that the gateway is to listen on; None checks the key alone. `permitted`: `permit_weak_key`."""
    if key is None:
        return _check_unset(host, permitted)
    weakness = _weakness(key)
    if weakness is None:
        return None
    if permitted:
        return f"general_settings.master_key {weakness}: it can be guessed"
    raise ConfigError(
        f"general_settings.master_key: {weakness}; make one with: "
        "python -c 'import secrets; print(\"sk-\" + secrets.token_urlsafe(32))'"
    )


def _check_unset(host: str | None, permitted: bool) -> str | None:
    if host is None or is_loopback(host):
        return (
            "there is no general_settings.master_key: every program on this machine may call, and none from elsewhere"
        )
    if permitted:
        return f"there is no general_settings.master_key, and the gateway listens on {host}: anyone may call"
    raise ConfigError(
        f"general_settings.master_key: is not set, so the gateway listens on a loopback address only, not on {host}"
    )


def _weakness(key: str) -> str | None:
    if len(key) < _SHORTEST_KEY:
        return f"is shorter than {_SHORTEST_KEY} characters"
    if len(set(key)) < _FEWEST_CHARACTERS:
        return "repeats a few characters"
    rest = _without_samples(key)
    if len(rest) < _SHORTEST_KEY or len(set(rest)) < _FEWEST_CHARACTERS:
        return "holds a sample from a tutorial, and is too short without it"
    return None


def _without_samples(key: str) -> str:
    """Return a key without the words of tutorials and what joins them; a key without such a word as it is. A random key that
    happens to contain one is as strong as the rest of it."""
    rest = key.lower()
    if not any(sample in rest for sample in _SAMPLES):
        return rest
    for sample in _SAMPLES:
        rest = rest.replace(sample, "")
    return "".join(filter(str.isalnum, rest))
