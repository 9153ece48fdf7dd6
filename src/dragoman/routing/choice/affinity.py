"""Affinity: the deployment that answered last is preferred for a session, for a caller, and for a request whose beginning it
caches.

Each process remembers its own preferences, and forgets them after a while: a lost preference costs a cache miss, never an
answer."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import AffinityHit, CachedPrefix, GroupRequest
from dragoman.routing.settings.affinity import AffinityPolicy
from dragoman.routing.strategies import Candidates

__all__ = ["Affinity", "AffinityHit", "affinity_of"]

_SESSION = ("session_id", "litellm_session_id")
_USER = ("user_api_key_hash", "user_api_key", "user_api_key_user_id")
_REMEMBERED = 10_000
"""Of each kind; the oldest are forgotten first."""
_LONGEST_NAME = 128
"""Characters of a session's or a caller's name; of a longer one a digest is kept."""
_LEAST = 4096
"""Characters of a beginning that is worth a cache: about 1,024 tokens, below which no provider keeps any."""
_A_TOKEN = 4
_LOOKED_AT = 32
"""So many messages from the end on are compared."""


class _Prefix(NamedTuple):
    """A beginning of a request."""

    digest: bytes
    tokens: int
    marked: bool
    """The request says that it is to be cached, up to here."""
    shared: bool
    """Its instructions and tools alone, which other conversations may share."""


class Affinity:
    """Of one router."""

    def __init__(self, policy: AffinityPolicy, now: Callable[[], float], *, wants_caches: bool = False) -> None:
        """`wants_caches`: a strategy reads which deployment caches what, even if caches are not preferred as such."""
        self._policy = policy
        self._sessions = _Memory(now, policy.ttl)
        self._users = _Memory(now, policy.ttl)
        self._caches = _Memory(now, policy.cache_ttl)
        self._prefers_caches = "prompt_caching" in policy.kinds
        self._knows_caches = self._prefers_caches or wants_caches

    def preferred(self, request: GroupRequest, candidates: Candidates) -> AffinityHit | None:
        """One of the candidates that has something of this call, if any has: it is well, and as good as the others."""
        positions = candidates.positions
        for memory, name, why in self._names(request):
            position = positions.get(memory.get(name) or "")
            if position is not None:
                return AffinityHit(position, why)
        warm = request.cached_prefix if self._prefers_caches else None
        position = None if warm is None else positions.get(warm.key)
        if warm is None or position is None:
            return None
        return AffinityHit(
            position, f"prompt-cache affinity: it holds about {warm.tokens} tokens of this request in its cache"
        )

    def cached_prefix(self, request: GroupRequest) -> CachedPrefix | None:
        """Who answered the longest beginning of this request lately."""
        if not self._knows_caches:
            return None
        for prefix in reversed(request.memoized("prefixes", _prefixes)):
            key = self._caches.get((request.group.alias, prefix.digest))
            if key is not None:
                return CachedPrefix(key, prefix.tokens)
        return None

    def answered(self, request: GroupRequest, deployment: Deployment) -> None:
        for memory, name, _ in self._names(request):
            memory.put(name, deployment.key)
        if self._knows_caches:
            for prefix in _cached(request.memoized("prefixes", _prefixes), deployment):
                self._caches.put((request.group.alias, prefix.digest), deployment.key)

    def _names(self, request: GroupRequest) -> Iterator[tuple[_Memory, object, str]]:
        metadata, alias, kinds = request.metadata, request.group.alias, self._policy.kinds
        if not metadata:
            return
        session = _first(metadata, _SESSION) if "session_affinity" in kinds else None
        if session is not None:
            yield self._sessions, (alias, session), "session affinity: it answered this session last"
        user = _first(metadata, _USER) if "deployment_affinity" in kinds else None
        if user is not None:
            yield self._users, (alias, user), "deployment affinity: it answered this caller last"


def affinity_of(policy: AffinityPolicy, now: Callable[[], float], *, wants_caches: bool) -> Affinity | None:
    """Build the affinity of a router. `wants_caches`: a strategy reads which deployment caches what. None: nothing reads it."""
    return Affinity(policy, now, wants_caches=wants_caches) if policy.kinds or wants_caches else None


class _Memory:
    """Names to keys of deployments, for a while. Any thread may use it."""

    def __init__(self, now: Callable[[], float], ttl: float) -> None:
        self._now = now
        self._ttl = ttl
        self._lock = threading.Lock()
        self._known: OrderedDict[object, tuple[str, float]] = OrderedDict()

    def get(self, name: object) -> str | None:
        result = self._known.get(name)
        return None if result is None or result[1] <= self._now() else result[0]

    def put(self, name: object, key: str) -> None:
        with self._lock:
            self._known[name] = (key, self._now() + self._ttl)
            self._known.move_to_end(name)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _first(metadata: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    value = next((value for name in names if isinstance(value := metadata.get(name), str) and value), None)
    return value if value is None or len(value) <= _LONGEST_NAME else _digest(value)


def _digest(value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def _cached(prefixes: tuple[_Prefix, ...], deployment: Deployment) -> Iterator[_Prefix]:
    """What a provider has in its cache now: up to the last mark, or where it needs no marks all of it."""
    marked = [prefix for prefix in prefixes if prefix.marked]
    if marked:
        yield from marked
    elif prefixes and not _writes_where_marked(deployment):
        yield from (prefix for prefix in prefixes if prefix.shared)
        yield prefixes[-1]


def _writes_where_marked(deployment: Deployment) -> bool:
    """Return whether the provider caches only what the request marks: those do that charge for cache writes."""
    entry = deployment.entry
    return entry is not None and any("cache_write_5m" in period.rates for period in entry.prices)


def _prefixes(group_request: GroupRequest) -> tuple[_Prefix, ...]:
    """Return the beginnings of the request that are long enough to be cached, the shortest first."""
    request = group_request.request
    messages = request.get("messages") if isinstance(request, dict) else ()
    reader = _Reader()
    if messages:
        reader.read(request.get("tools") or [])
    result: list[_Prefix] = []
    messages = messages if isinstance(messages, list) else []
    for number, message in enumerate(messages):
        reader.read(message)
        following = messages[number + 1] if number + 1 < len(messages) else None
        shared = _instructs(message) and not _instructs(following)
        marked, reader.marked = reader.marked, False
        if reader.size >= _LEAST and (shared or marked or number >= len(messages) - _LOOKED_AT):
            result.append(_Prefix(reader.digest(), reader.size // _A_TOKEN, marked, shared))
    return tuple(result)


def _instructs(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in ("system", "developer")


class _Reader:
    """Reads a request from its beginning on. A mark of what is to be cached is no part of what is cached."""

    def __init__(self) -> None:
        self.size = 0
        self.marked = False
        self._hash = hashlib.blake2b(digest_size=16)

    def read(self, value: Any) -> None:
        if isinstance(value, dict):
            self._read_object(value)
        elif isinstance(value, list):
            for part in value:
                self.read(part)
        elif isinstance(value, str):
            self.size += len(value)
            self._feed(value.encode("utf-8", "surrogatepass"))
        else:
            self._feed(orjson.dumps(value, default=repr))

    def _read_object(self, value: Mapping[str, Any]) -> None:
        for name, part in value.items():
            if name == "cache_control":
                self.marked = self.marked or bool(part)
            elif not (name == "type" and part == "text"):
                self._feed(b"" if name in ("content", "text") else name.encode())
                self.read(part)

    def digest(self) -> bytes:
        return self._hash.copy().digest()

    def _feed(self, value: bytes) -> None:
        if value:
            self._hash.update(value)
            self._hash.update(b"\0")
