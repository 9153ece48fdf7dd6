"""Warn of what is allowed and probably a mistake: deployments without a key, models that are in no catalogue, fallbacks that
lead nowhere new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from dragoman.dialects.reasoning import EFFORTS
from dragoman.gateway.logs.redactor import is_secret_name
from dragoman.litellm.price_names import ABILITY_NAMES, TOKEN_LIMITS
from dragoman.models import Catalogue
from dragoman.routing import Deployment, RouterSettings
from dragoman.routing.settings.deployment_keys import INFO_KEYS
from dragoman.routing.settings.fallbacks import target_name
from dragoman.settings.suggestions import did_you_mean

__all__ = ["doubts"]

_LONGEST = 64
"""Characters of a value that are looked at."""
_MOST = 20
"""Of a kind: whoever reads that many has seen the pattern."""
_MOST_NAMES = 500
"""Names of `model_info` that are compared with the known ones, each in less than a millisecond."""
_SIMILARITY = 0.65
_FACT_SIMILARITY = 0.85
"""Of notes in `model_info`, which may have any name."""
_PLACEHOLDER_VERBS = re.compile(r"(?:your|insert|replace|add|put)[-_ ]", re.IGNORECASE)
_PLACEHOLDERS = frozenset(
    {"changeme", "change-me", "change_me", "change me", "todo", "apikey", "api-key", "api_key", "api key"}
)
_FACTS = frozenset({*ABILITY_NAMES, *TOKEN_LIMITS, *INFO_KEYS, "base_model", "mode", "id"})


def doubts(
    deployments: Sequence[Deployment], router: RouterSettings, paths: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return lines of the form `path: message`. `paths` has the place of each field of `router`."""
    return (
        *_few(_keyless(deployments, environment)),
        *_few(_unserved(deployments)),
        *_few(_placeholders(deployments)),
        *_few(_unknown(deployments)),
        *_few(_facts(deployments)),
        *_few(_efforts(deployments)),
        *_few(_fallbacks(router, paths)),
    )


def _few(lines: Iterator[str]) -> Iterator[str]:
    yield from islice(lines, _MOST)
    rest = sum(1 for _ in lines)
    if rest:
        yield f"and {rest:,} more of the same kind"


def _keyless(deployments: Iterable[Deployment], environment: Mapping[str, str]) -> Iterator[str]:
    for deployment in deployments:
        provider, options = deployment.provider, deployment.options
        credential = provider.credential
        if (
            options.api_key
            or provider.function is not None
            or options.mock_response is not None
            or credential.is_available()
        ):
            continue
        if any(environment.get(name, "").strip() for name in credential.env) or _signs_itself(deployment):
            continue
        remedy = f", and {_unset(credential.env)} set" if credential.env else ""
        yield f"{deployment.path}: no api_key is given{remedy}, so its calls will fail"


def _unserved(deployments: Iterable[Deployment]) -> Iterator[str]:
    for deployment in deployments:
        provider = deployment.provider
        if not provider.endpoints and provider.function is None and deployment.options.mock_response is None:
            yield f"{deployment.path}.model: nothing of {provider.name} is served yet, so its calls will fail"


def _placeholders(deployments: Iterable[Deployment]) -> Iterator[str]:
    for deployment in deployments:
        options = deployment.options
        if options.api_key and not options.api_base and _is_placeholder(options.api_key[:_LONGEST]):
            yield f"{deployment.path}.api_key: looks like a placeholder, not like a key"


def _is_placeholder(key: str) -> bool:
    """Whether it stands for a key: `<your key>`, `sk-...`, `sk-xxxx`, `changeme`."""
    if (key.startswith("<") and key.endswith(">")) or key.endswith("...") or _PLACEHOLDER_VERBS.search(key):
        return True
    text = key.lower().removeprefix("sk-")
    return text in _PLACEHOLDERS or (len(text) > 2 and set(text) in ({"x"}, {"*"}))


def _facts(deployments: Iterable[Deployment]) -> Iterator[str]:
    remarks: dict[str, str] = dict.fromkeys(_FACTS, "")
    for deployment in deployments:
        place = deployment.path.rpartition(".")[0]
        for name in deployment.model_info:
            if name not in remarks and len(remarks) < _MOST_NAMES:
                remarks[name] = did_you_mean(name, _FACTS, cutoff=_FACT_SIMILARITY)
            if remarks.get(name):
                yield f"{place}.model_info.{name}: is no known fact, and without effect{remarks[name]}"


def _efforts(deployments: Iterable[Deployment]) -> Iterator[str]:
    known = (*EFFORTS, "none", "default")
    for deployment in deployments:
        effort = deployment.params.get("reasoning_effort")
        if isinstance(effort, str) and effort not in known:
            remark = did_you_mean(effort, known)
            yield f"{deployment.path}.reasoning_effort: {effort[:_LONGEST]!r} is no effort that is known{remark}"


def _unset(names: Sequence[str]) -> str:
    return f"{names[0]} is not" if len(names) == 1 else f"none of {', '.join(names)} is"


def _signs_itself(deployment: Deployment) -> bool:
    """Whether it has a header of its own, or a way to sign that is not supported yet, of which another line warns."""
    return any(map(is_secret_name, (*deployment.options.extra_headers, *deployment.ignored)))


def _unknown(deployments: Iterable[Deployment]) -> Iterator[str]:
    catalogue, told = Catalogue(), 0
    names: dict[str, list[str]] = {}
    for deployment in deployments:
        provider, model = deployment.provider.name, deployment.model
        if not _needs_entry(deployment):
            continue
        if provider not in names:
            names[provider] = [entry.model for entry in catalogue.entries(provider)]
        if not names[provider]:
            continue
        told += 1
        remark = did_you_mean(model, names[provider], cutoff=_SIMILARITY) if told <= _MOST else ""
        yield (
            f"{deployment.path}.model: {model!r} of {provider} is in no catalogue{remark}: "
            "its price and its abilities are not known"
        )


def _needs_entry(deployment: Deployment) -> bool:
    """Whether the catalogue should have the model and does not. What is at an address of one's own need not be in it."""
    options = deployment.options
    is_own = "*" in deployment.model or options.api_base or options.mock_response is not None
    return deployment.entry is None and not is_own


def _fallbacks(router: RouterSettings, paths: Mapping[str, str]) -> Iterator[str]:
    for field in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"):
        for alias, targets in getattr(router, field).items():
            names = [target_name(target) for target in targets]
            if alias in names:
                yield f"{paths[field]}.{alias}: {alias!r} is a fallback of itself"
            for name in dict.fromkeys(name for name in names if names.count(name) > 1):
                yield f"{paths[field]}.{alias}: {name!r} is given twice"
