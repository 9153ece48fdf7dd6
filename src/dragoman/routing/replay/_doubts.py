"""What a log does not tell of its calls, and what a router that replays them therefore cannot know."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dragoman.routing.replay._logged import LoggedCall
from dragoman.routing.replay._played import LEFT, error_of
from dragoman.routing.replay._spend_logs import CACHED
from dragoman.routing.settings.router_settings import RouterSettings

__all__ = ["Blindness", "not_judged"]

_FOUND_HERE = frozenset(
    {
        "ContextWindowExceededError",
        "NotFoundError",
        "RateLimitError",
        "ServiceUnavailableError",
        "UnsupportedAbilityError",
    }
)
"""Errors of calls that were never sent, which a router raises by itself."""


def not_judged(logged: LoggedCall) -> str:
    """Why the outcome of a call cannot be known; empty: it can be replayed."""
    if not logged.error:
        return ""
    if logged.error == CACHED:
        return "answered from a cache"
    if logged.error in LEFT:
        return "the caller left"
    if error_of(logged.error, logged.status) is None:
        return f"failed with {logged.error}, which is no error of a provider"
    if not logged.outcomes and logged.error not in _FOUND_HERE:
        return f"refused with {logged.error} before a deployment was asked"
    return ""


class _Unseen(NamedTuple):
    what: str
    matters: Callable[[RouterSettings], bool]
    missing: Callable[[LoggedCall], bool]


_UNSEEN: tuple[_Unseen, ...] = (
    _Unseen(
        "what its request holds, which routes look at: they saw its length alone",
        lambda settings: bool(settings.routes),
        lambda logged: logged.said is None,
    ),
    _Unseen(
        "its tags",
        lambda settings: bool(settings.checks.tags),
        lambda logged: not logged.metadata,
    ),
    _Unseen(
        "its session, its caller and its prompt, by which affinity goes",
        lambda settings: bool(settings.affinity.kinds),
        lambda logged: not (logged.metadata and logged.said),
    ),
    _Unseen(
        "how long a provider asked to wait after a rate limit",
        lambda settings: not settings.health.disabled,
        lambda logged: any(outcome.error == "RateLimitError" for outcome in logged.outcomes),
    ),
    _Unseen(
        "the time to the first content of its stream, by which hedges go",
        lambda settings: settings.hedge is not None,
        lambda logged: logged.stream,
    ),
    _Unseen(
        "what a stream that broke off meant for the health of its deployment",
        lambda settings: not settings.health.disabled,
        lambda logged: bool(logged.error and logged.where and not logged.where.error),
    ),
)


class Blindness:
    """Of a router with these settings: what it looks at, and a log may not have."""

    def __init__(self, settings: RouterSettings) -> None:
        self._unseen = [item for item in _UNSEEN if item.matters(settings)]

    def of(self, logged: LoggedCall) -> list[str]:
        return [item.what for item in self._unseen if item.missing(logged)]
