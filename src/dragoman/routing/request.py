"""One call to one model group: what is asked of it, and what the router may want to know of it before it chooses."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dragoman.errors import BadRequestError
from dragoman.models import count_tokens, needed

if TYPE_CHECKING:
    from dragoman.routing.call import Call
    from dragoman.routing.choice.affinity import Affinity
    from dragoman.routing.choice.group import ModelGroup
    from dragoman.routing.settings.call_options import CallOptions

__all__ = ["Asked", "Facts", "Warm", "no_texts", "teaches", "texts", "words_of"]

_T = TypeVar("_T")
_OF_A_PART = 1000
"""Tokens that an image, a sound or a file is roughly taken for."""
_A_TOKEN = 4
"""Characters."""


class Warm(NamedTuple):
    """Who holds the beginning of the request in its cache."""

    key: str
    """Of the deployment."""
    tokens: int
    """How much of it, roughly."""


class Facts:
    """Of a request alone, whoever answers it. Each is worked out when it is first asked for."""

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
        said = self.metadata.get("tags")
        if said is None or isinstance(said, (str, list, tuple)):
            return texts(said)
        raise no_texts("metadata.tags", said)

    @functools.cached_property
    def needs(self) -> Mapping[str, str]:
        """Ability -> the place in the request that needs it."""
        return needed(self.request, self.call.operation)

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
        chat = request.get("chat") or request
        said = (chat.get("messages"), chat.get("tools"), request.get("input"), request.get("prompt"))
        return sum(_length(value) for value in said if value) // _A_TOKEN

    @property
    def output_tokens(self) -> int | None:
        """The most that the caller wants."""
        most = self.request.get("max_completion_tokens") or self.request.get("max_tokens")
        return int(most) if most else None

    def input_tokens(self, model: str = "") -> int:
        """As `model` counts them where its vocabulary is known, else by estimate."""
        request = self.request
        chat = request.get("chat") or request
        return count_tokens(chat.get("messages"), chat.get("tools"), text=words_of(request), model=model)


class Asked(Facts):
    """Checks and strategies read it; they never change it."""

    def __init__(
        self,
        call: Call,
        group: ModelGroup,
        *,
        request: Any,
        options: CallOptions,
        home: str,
        chance: Callable[[], float],
        left_out: tuple[str, ...] = (),
        explaining: bool = False,
        now: Callable[[], float] = time.time,
        affinity: Affinity | None = None,
        because: str = "",
        route: str | None = None,
    ) -> None:
        super().__init__(call, request, options)
        self.group = group
        self.home = home
        """The provider whom the options' key, address and private parameters are meant for."""
        self.left_out = left_out
        self.chance = chance
        """Uniform in [0, 1)."""
        self.explaining = explaining
        """Scores of all deployments are wanted, not the best one alone."""
        self.now = now
        """Unix seconds."""
        self.affinity = affinity
        """None: who answered last does not matter."""
        self.because = because
        """Why this group was asked, where the caller named another."""
        self.route = route
        """The conditional route that led there, by its place in the configuration."""
        self._kept: dict[Hashable, Any] = {}

    def kept(self, name: Hashable, make: Callable[[Asked], _T]) -> _T:
        """What `make` gives, made once for this call."""
        known = self._kept
        if name not in known:
            known[name] = make(self)
        found: _T = known[name]
        return found

    def keep_of(self, other: Asked) -> None:
        """What was made for `other`, another asking of the same, counts for this one too."""
        self._kept = other._kept

    def to(self, group: ModelGroup, request: Any) -> Asked:
        """The same of another group, or another request."""
        return Asked(
            self.call,
            group,
            request=request,
            options=self.options,
            home=self.home,
            chance=self.chance,
            left_out=self.left_out,
            now=self.now,
            affinity=self.affinity,
            because=self.because,
        )

    @functools.cached_property
    def warm(self) -> Warm | None:
        """Who holds the beginning of the request in its cache, as far as that is remembered."""
        return None if self.affinity is None else self.affinity.warm(self)


def no_texts(path: str, said: Any) -> BadRequestError:
    """What is wrong where neither a text nor a list of texts is said."""
    return BadRequestError(f"{path}: expected a text or a list of texts, got {type(said).__name__}", param=path)


def texts(said: Any) -> frozenset[str]:
    """Of a list of texts, or one."""
    if isinstance(said, str):
        return frozenset((said,))
    return frozenset(str(item) for item in said) if isinstance(said, (list, tuple)) else frozenset()


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


def words_of(request: Any) -> list[str]:
    """Of an embedding or a text completion."""
    said = request.get("input") or request.get("prompt") or ()
    return [said] if isinstance(said, str) else [item for item in said if isinstance(item, str)]


def teaches(asked: Asked) -> bool:
    """Whether how it goes says anything of the deployment: not with the caller's own key, or at his own place."""
    return asked.options.api_key is None and asked.options.api_base is None
