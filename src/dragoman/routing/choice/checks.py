"""Checks: the reasons why a deployment cannot take a call, one plain function each, in the order of the table.

A check returns the reason for a person to read, or None. Only checks that can apply are run: `relevant` decides it once when the
group is made, and `cache_key` once for each call."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from dragoman.errors import (
    APIError,
    ContextWindowExceededError,
    PermissionDeniedError,
    UnsupportedAbilityError,
)
from dragoman.models import tally_tokens, tokens_upper_bound
from dragoman.routing.deployments.abilities import abilities_of, lack_of
from dragoman.routing.deployments.deployment import Deployment
from dragoman.routing.request import GroupRequest, invalid_texts_error, texts
from dragoman.routing.settings.checks import CheckPolicy

__all__ = ["CHECKS", "NOT_CACHEABLE", "Check", "window_of"]


NOT_CACHEABLE = "each call for itself"


class Check(NamedTuple):
    name: str
    refuses: Callable[[Deployment, GroupRequest], str | None]
    relevant: Callable[[Sequence[Deployment], CheckPolicy], bool]
    cache_key: Callable[[GroupRequest], Hashable]
    """None: not for this call. Else what its refusals depend on: calls that give the same are refused by the same deployments;
    `EACH` where no two calls are alike."""
    error: type[APIError]
    """The error of the call where this check refuses every deployment."""


def _blocked(deployment: Deployment, request: GroupRequest) -> str | None:
    return "by the configuration" if deployment.blocked else None


def _any_blocked(deployments: Sequence[Deployment], policy: CheckPolicy) -> bool:
    return any(deployment.blocked for deployment in deployments)


class _TagFilter(NamedTuple):
    """What a request's tags ask of a deployment."""

    banned: frozenset[str]
    demanded: frozenset[str]
    wanted: frozenset[str]
    among: frozenset[str] | None
    """The ids of those that fit, as some fit better than others; None: all that are not banned."""


def _tag_filter(request: GroupRequest) -> _TagFilter:
    value = request.tags
    banned = frozenset(tag[1:] for tag in value if tag.startswith("!"))
    demanded = frozenset(tag[1:] for tag in value if tag.startswith("&"))
    wanted = frozenset(tag for tag in value if tag[:1] not in ("!", "&"))
    eligible = [
        member.deployment
        for member in request.group.members
        if banned.isdisjoint(member.deployment.tags) and demanded.issubset(member.deployment.tags)
    ]
    return _TagFilter(banned, demanded, wanted, _fitting_ids(eligible, wanted, request))


def _fitting_ids(
    eligible: Sequence[Deployment], wanted: frozenset[str], request: GroupRequest
) -> frozenset[str] | None:
    """Return the deployments that share a tag with the request (or all its tags) or match its client; else the default ones."""
    agent = _agent(request)
    fitting = frozenset(item.id for item in eligible if _fits(item, wanted, agent, request.group.policy.match_any))
    if fitting:
        return fitting
    default = frozenset(item.id for item in eligible if "default" in item.tags)
    if wanted or default:
        return default
    return None


def _agent(request: GroupRequest) -> str | None:
    value = request.metadata.get("user_agent")
    return value if isinstance(value, str) else None


def _fits(deployment: Deployment, wanted: frozenset[str], agent: str | None, match_any: bool) -> bool:
    if wanted:
        tags = deployment.tags
        if not wanted.isdisjoint(tags) if match_any else wanted.issubset(tags):
            return True
        if tags and not match_any:
            return False
    if agent is None:
        return False
    return any(re.search(pattern, f"User-Agent: {agent}") for pattern in deployment.tag_regex)


def _has_other_tags(deployment: Deployment, request: GroupRequest) -> str | None:
    wish = request.memoized("tags", _tag_filter)
    tags = deployment.tags
    if not wish.banned.isdisjoint(tags):
        return f"it has the tag {_listed(wish.banned.intersection(tags))}, which the request excludes"
    if not wish.demanded.issubset(tags):
        return f"it has not the tag {_listed(wish.demanded.difference(tags))}"
    if wish.among is None or deployment.id in wish.among:
        return None
    return f"its tags do not fit {_listed(wish.wanted)}" if wish.wanted else "it is for requests with other tags"


def _filters_tags(deployments: Sequence[Deployment], policy: CheckPolicy) -> bool:
    return policy.tags


def _is_outside_region(deployment: Deployment, request: GroupRequest) -> str | None:
    region = deployment.region
    for allowed in request.memoized("regions", _regions) or ():
        if region is None:
            return f"its region is not known, and the request must stay in {_listed(allowed)}"
        if not any(_is_within(region, area) for area in allowed):
            return f"{region} is not in {_listed(allowed)}"
    return None


_REGIONS = ("allowed_model_region", "region", "data_residency")


def _regions(request: GroupRequest) -> tuple[frozenset[str], ...] | None:
    """Where the request must stay, `eu`, `eu-west-1`, ...: in one of each."""
    always = request.group.policy.regions
    if not request.metadata:
        return always or None
    return (*always, *(value for name in _REGIONS if (value := _demanded(request, name)) is not None)) or None


def _demanded(request: GroupRequest, name: str) -> frozenset[str] | None:
    """Return what the metadata demand under this name. Raise `BadRequestError` for a demand of another kind: none is dropped."""
    value = request.metadata.get(name)
    if not value:
        return None
    if isinstance(value, str) or (isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)):
        return texts(value)
    raise invalid_texts_error(f"metadata.{name}", value)


_AREAS = {"eu": ("eu", "europe"), "us": ("us",)}


def _is_within(region: str, area: str) -> bool:
    """`eu-west-1` and `europe-west4` lie in `eu`."""
    region, area = region.lower(), area.lower()
    return region == area or any(region == name or region.startswith(f"{name}-") for name in _AREAS.get(area, (area,)))


def _violates_data_policy(deployment: Deployment, request: GroupRequest) -> str | None:
    lacking = (request.memoized("policies", _policies) or frozenset()).difference(deployment.tags)
    return f"it has not the tag {_listed(lacking)}, which the request's data policy demands" if lacking else None


def _policies(request: GroupRequest) -> frozenset[str] | None:
    """Tags that a deployment must have, always and all of them: `metadata.data_policy`."""
    return _demanded(request, "data_policy")


def _lacks_ability(deployment: Deployment, request: GroupRequest) -> str | None:
    lack = lack_of(deployment, request.needs, request.options, drop_params=request.group.policy.drop_params)
    return (
        None
        if lack is None
        else f"{lack.where} needs {lack.ability}, which {deployment.model!r} has not, as {lack.source} says"
    )


def _needs(request: GroupRequest) -> Hashable:
    if not request.needs:
        return None
    options = request.options
    value = (options.drop_params, options.allowed_openai_params, options.additional_drop_params)
    return (*request.needs.items(), *value)


def _any_lacks(deployments: Sequence[Deployment], policy: CheckPolicy) -> bool:
    """One that stands alone tells it itself, and better (`_abilities.py`)."""
    return len(deployments) > 1 and any(abilities_of(deployment).refused for deployment in deployments)


_SURE = 1.1
"""An estimate must be so much above a window before it is believed."""
_MOST_PER_TOKEN = 16
"""A rough count is at most so many times too low (four bytes a character, four characters a token)."""
_BESIDES = 1000
"""Tokens of a prompt beside its texts."""


def _exceeds_window(deployment: Deployment, request: GroupRequest) -> str | None:
    """Counted cheaply where that is enough, and exactly only near the limit."""
    window = window_of(deployment)
    if window is None or not _is_one_prompt(request) or request.rough_tokens * _MOST_PER_TOKEN < window - _BESIDES:
        return None
    model, provider = deployment.entry.model if deployment.entry else deployment.model, deployment.provider.name
    most = request.memoized(
        ("most", model), lambda item: tokens_upper_bound(item.request, provider=provider, model=model)
    )
    if most is not None and most <= window:
        return None
    tokens, exact = request.memoized(("counted", model), lambda item: _counted(item, model))
    if tokens <= (window if exact else window * _SURE):
        return None
    return f"{'' if exact else 'about '}{tokens} tokens do not fit into {window}"


def _window_cache_key(request: GroupRequest) -> Hashable:
    narrowest = request.group.narrowest
    if narrowest is None or not _is_one_prompt(request):
        return None
    return NOT_CACHEABLE if request.rough_tokens * _MOST_PER_TOKEN >= narrowest - _BESIDES else None


def _is_one_prompt(request: GroupRequest) -> bool:
    """Return whether the window of a model limits the request as a whole: each input of an embedding has a window of its
    own, and counting tokens is never refused."""
    return request.call.operation.is_one_prompt(request.request)


def _counted(request: GroupRequest, model: str) -> tuple[int, bool]:
    operation = request.call.operation
    chat = operation.chat_of(request.request)
    tally = tally_tokens(chat.get("messages"), chat.get("tools"), text=operation.texts(request.request), model=model)
    return tally.tokens, tally.exact


def window_of(deployment: Deployment) -> int | None:
    """Tokens of input."""
    entry = deployment.entry
    return None if entry is None else entry.max_input_tokens or entry.context_window


def _windows_known(deployments: Sequence[Deployment], policy: CheckPolicy) -> bool:
    return policy.window and any(window_of(deployment) for deployment in deployments)


def _listed(words: frozenset[str]) -> str:
    return ", ".join(repr(word) for word in sorted(words))


def _always(deployments: Sequence[Deployment], policy: CheckPolicy) -> bool:
    return True


CHECKS: tuple[Check, ...] = (
    Check("blocked", _blocked, _any_blocked, lambda asked: True, PermissionDeniedError),
    Check(
        "tags",
        _has_other_tags,
        _filters_tags,
        lambda asked: (asked.tags, _agent(asked)),
        PermissionDeniedError,
    ),
    Check("region", _is_outside_region, _always, _regions, PermissionDeniedError),
    Check(
        "data policy",
        _violates_data_policy,
        _always,
        lambda asked: _policies(asked) if asked.metadata else None,
        PermissionDeniedError,
    ),
    Check("abilities", _lacks_ability, _any_lacks, _needs, UnsupportedAbilityError),
    Check("context window", _exceeds_window, _windows_known, _window_cache_key, ContextWindowExceededError),
)
"""The checks beside health and limits, which always apply (`choice/group.py`, `admission/admission.py`)."""
