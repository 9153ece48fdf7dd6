"""The request of a call to one model group, with the facts that the router may read before it chooses a deployment."""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from dragoman.errors import BadRequestError
from dragoman.models import count_tokens, needed

if TYPE_CHECKING:
    from dragoman.routing.call import Call
    from dragoman.routing.deployments.deployment import Deployment
    from dragoman.routing.deployments.member import Member
    from dragoman.routing.selection import Choice, NoDeployment
    from dragoman.routing.settings.call_options import CallOptions
    from dragoman.routing.settings.checks import CheckPolicy
    from dragoman.state import View

__all__ = [
    "AffinityHit",
    "CacheAffinity",
    "CachedPrefix",
    "GroupRequest",
    "RequestFacts",
    "RequestedGroup",
    "affects_health",
    "invalid_texts_error",
    "texts",
]

_T = TypeVar("_T")
_OF_A_PART = 1000
"""Tokens that an image, a sound or a file is roughly taken for."""
_NO_NEEDS: Mapping[str, str] = MappingProxyType({})
_A_TOKEN = 4
"""Characters."""


class CachedPrefix(NamedTuple):
    """Who holds the beginning of the request in its cache."""

    key: str
    """Of the deployment."""
    tokens: int
    """How much of it, roughly."""


class RequestedGroup(Protocol):
    """A model group, as far as a request to it needs to know it (`choice.group.ModelGroup`)."""

    alias: str
    members: tuple[Member, ...]
    policy: CheckPolicy
    narrowest: int | None
    """The smallest of the known context windows of its models, in tokens."""
    strategy: Callable[..., Any]

    @property
    def without_canaries(self) -> RequestedGroup: ...

    def choose(self, request: GroupRequest, view: View, excluded: Collection[str] = ()) -> Choice | NoDeployment: ...

    def eligible_ids(self, request: GroupRequest) -> frozenset[str]: ...

    def with_deployments(self, alias: str, deployments: Sequence[Deployment]) -> RequestedGroup: ...


class CacheAffinity(Protocol):
    """Who answered a caller, a session or the beginning of a request last (`choice.affinity.Affinity`)."""

    def preferred(self, request: GroupRequest, candidates: Any) -> AffinityHit | None: ...

    def cached_prefix(self, request: GroupRequest) -> CachedPrefix | None: ...

    def answered(self, request: GroupRequest, deployment: Deployment) -> None: ...


class AffinityHit(NamedTuple):
    """The deployment that is preferred."""

    position: int
    """Among the candidates."""
    why: str


class RequestFacts:
    """Facts of a request that do not depend on the deployment. Each is computed when it is first read."""

    def __init__(self, call: Call, request: Any, options: CallOptions) -> None:
        self.call = call
        self.request = request
        """A fallback may bring parameters of its own."""
        self.options = options

    @property
    def stream(self) -> bool:
        return self.call.stream

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.options.metadata

    @functools.cached_property
    def tags(self) -> frozenset[str]:
        """Of the request: `metadata.tags`. Raises `BadRequestError`."""
        value = self.metadata.get("tags")
        if value is None or isinstance(value, (str, list, tuple)):
            return texts(value)
        raise invalid_texts_error("metadata.tags", value)

    @functools.cached_property
    def needs(self) -> Mapping[str, str]:
        """Ability -> the place in the request that needs it."""
        return needed(self.request) if self.call.operation.checks_abilities else _NO_NEEDS

    @functools.cached_property
    def estimated_tokens(self) -> int:
        """Input by estimate, and output as far as the request says it."""
        return self.estimated_input + (self.output_tokens or 0)

    @functools.cached_property
    def estimated_input(self) -> int:
        return self.input_tokens()

    @functools.cached_property
    def rough_tokens(self) -> int:
        """Input, from the lengths of its texts alone: cheap enough for every call."""
        request = self.request
        if not isinstance(request, Mapping):
            return 0
        operation = self.call.operation
        chat = operation.chat_of(request)
        said = (chat.get("messages"), chat.get("tools"), *map(request.get, operation.text_fields))
        return sum(_length(value) for value in said if value) // _A_TOKEN

    @property
    def output_tokens(self) -> int | None:
        """The most that the caller wants."""
        for name in self.call.operation.output_limits:
            if limit := self.request.get(name):
                return int(limit)
        return None

    def input_tokens(self, model: str = "") -> int:
        """As `model` counts them where its vocabulary is known, else by estimate."""
        request = self.request
        operation = self.call.operation
        chat = operation.chat_of(request)
        return count_tokens(chat.get("messages"), chat.get("tools"), text=operation.texts(request), model=model)


class GroupRequest(RequestFacts):
    """Checks and strategies read it; they never change it."""

    def __init__(
        self,
        call: Call,
        group: RequestedGroup,
        *,
        request: Any,
        options: CallOptions,
        home_provider: str,
        random: Callable[[], float],
        left_out: tuple[str, ...] = (),
        explaining: bool = False,
        now: Callable[[], float] = time.time,
        affinity: CacheAffinity | None = None,
        reason: str = "",
        route: str | None = None,
    ) -> None:
        super().__init__(call, request, options)
        self.group = group
        self.home_provider = home_provider
        """The provider that the options' key, address and private parameters are meant for."""
        self.left_out = left_out
        self.random = random
        """Uniform in [0, 1)."""
        self.explaining = explaining
        """Scores of all deployments are wanted, not the best one alone."""
        self.now = now
        """Unix seconds."""
        self.affinity = affinity
        """None: no affinity is configured."""
        self.reason = reason
        """Why the call goes to this group, where the caller named another."""
        self.route = route
        """The conditional route that led there, by its place in the configuration."""
        self._memo: dict[Hashable, Any] = {}

    def memoized(self, name: Hashable, make: Callable[[GroupRequest], _T]) -> _T:
        """What `make` gives, made once for this call."""
        known = self._memo
        if name not in known:
            known[name] = make(self)
        result: _T = known[name]
        return result

    def share_memo(self, other: GroupRequest) -> None:
        """What was made for `other`, another asking of the same, counts for this one too."""
        self._memo = other._memo

    def redirected(self, group: RequestedGroup, request: Any) -> GroupRequest:
        """Return the same for another group, or with another request; nothing that was worked out is kept."""
        return self._with(group, request, self.affinity)

    def detached(self) -> GroupRequest:
        """Return the same for a copy of the call: it neither follows nor leaves an affinity, and goes to no canary."""
        return self._with(self.group.without_canaries, self.request, None)

    def _with(self, group: RequestedGroup, request: Any, affinity: CacheAffinity | None) -> GroupRequest:
        return GroupRequest(
            self.call,
            group,
            request=request,
            options=self.options,
            home_provider=self.home_provider,
            random=self.random,
            left_out=self.left_out,
            now=self.now,
            affinity=affinity,
            reason=self.reason,
            route=self.route,
        )

    def with_random(self, random: Callable[[], float], *, explaining: bool) -> GroupRequest:
        """Return the same request drawing from `random`; what was worked out for one of them counts for both."""
        other = copy.copy(self)
        other.random, other.explaining = random, explaining
        return other

    @functools.cached_property
    def cached_prefix(self) -> CachedPrefix | None:
        """Who holds the beginning of the request in its cache, as far as that is remembered."""
        return None if self.affinity is None else self.affinity.cached_prefix(self)


def invalid_texts_error(path: str, value: Any) -> BadRequestError:
    """Build the error for a value that is neither a text nor a list of texts."""
    return BadRequestError(f"{path}: expected a text or a list of texts, got {type(value).__name__}", param=path)


def texts(value: Any) -> frozenset[str]:
    """Of a list of texts, or one."""
    if isinstance(value, str):
        return frozenset((value,))
    return frozenset(str(item) for item in value) if isinstance(value, (list, tuple)) else frozenset()


def _length(value: Any) -> int:
    """Characters of all texts in it, however deep it is."""
    length, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            length += len(item)
        elif isinstance(item, dict):
            kind = item.get("type")
            if isinstance(kind, str) and kind in _HEAVY:
                length += _OF_A_PART * _A_TOKEN
            else:
                pending.extend(item.values())
        elif isinstance(item, (list, tuple)):
            pending.extend(item)
        else:
            length += 1
    return length


_HEAVY = frozenset({"image_url", "input_audio", "video_url", "file"})


def affects_health(request: GroupRequest) -> bool:
    """Return whether the outcome says anything of the deployment: not with the caller's own key or address."""
    return request.options.api_key is None and request.options.api_base is None
