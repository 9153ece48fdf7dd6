"""One call to one model group: what is asked of it, and what the router may want to know of it before it chooses."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dragoman.models import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from dragoman.routing._call import Call, CallOptions
    from dragoman.routing._group import ModelGroup

__all__ = ["Asked"]


class Asked:
    """Checks and strategies read it; they never change it. Each fact is worked out when it is first asked for."""

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
    ) -> None:
        self.call = call
        self.group = group
        self.request = request
        """A fallback may bring parameters of its own."""
        self.options = options
        self.home = home
        """The provider whom the options' key, address and private parameters are meant for."""
        self.left_out = left_out
        self.chance = chance
        """Uniform in [0, 1)."""
        self.explaining = explaining
        """Scores of all deployments are wanted, not the best one alone."""

    @property
    def stream(self) -> bool:
        return self.call.stream

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self.options.metadata

    @functools.cached_property
    def tags(self) -> frozenset[str]:
        """Of the request: `metadata.tags`."""
        said = self.metadata.get("tags")
        return frozenset(str(tag) for tag in said) if isinstance(said, (list, tuple)) else frozenset()

    @functools.cached_property
    def estimated_tokens(self) -> int:
        """Input by estimate, and output as far as the request says it."""
        request = self.request
        chat = request.get("chat") or request
        tokens = count_tokens(chat.get("messages"), chat.get("tools"), text=_texts(request))
        return tokens + int(request.get("max_completion_tokens") or request.get("max_tokens") or 0)


def _texts(request: Any) -> list[str]:
    """Of an embedding or a text completion."""
    said = request.get("input") or request.get("prompt") or ()
    return [said] if isinstance(said, str) else [item for item in said if isinstance(item, str)]
