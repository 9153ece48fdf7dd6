"""The address of a request: base, path and query joined, tolerant of the forms in which users write a base."""

from __future__ import annotations

import functools
import re
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from dragoman.credentials import lookup, missing
from dragoman.dialects.codec import WireRequest
from dragoman.errors import BadRequestError
from dragoman.providers._provider import Endpoint, Provider

__all__ = ["address", "base_address", "missing_settings", "models_address"]

_PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_]+)\}")
_VERSION = re.compile(r"v[0-9]+[a-z0-9]*")
_LONGEST = 2048
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")


def address(
    provider: Provider, endpoint: Endpoint, *, api_base: str | None, wire: WireRequest | None = None, model: str = ""
) -> str:
    """Return the URL for one request. `api_base` wins over the environment, and the environment over the record.

    A base may end in a version (`/v1`) or in the whole path of the endpoint: what is there already is not added again.
    Raise `BadRequestError` for an unusable address or name of a model.
    """
    path = (wire.path if wire is not None else None) or endpoint.path
    if len(path) + len(model) > _LONGEST:
        raise _no_model(path if wire is not None and wire.path else model)
    url, own_query = _joined(base_address(provider, api_base), path, provider.version)
    if "{model}" in url:
        url = url.replace("{model}", _quoted(model))
    query = {**dict(own_query), **(wire.query if wire is not None else {})}
    return f"{url}?{urlencode(query)}" if query else url


def base_address(provider: Provider, api_base: str | None = None) -> str:
    """Return the base address from the call, the environment or the record."""
    return (api_base or "").strip() or lookup(provider.base_url_env) or _filled(provider)


def models_address(provider: Provider, api_base: str | None = None) -> str | None:
    """Return the address of the provider's list of models, at its dialect's usual place; None for a provider without an address."""
    endpoint = next(iter(provider.endpoints.values()), None)
    if endpoint is None or provider.function is not None:
        return None
    first = endpoint.path.strip("/").partition("/")[0]
    path = f"/{first}/models" if _VERSION.fullmatch(first) else "/models"
    url, query = _joined(base_address(provider, api_base), path, provider.version)
    return f"{url}?{urlencode(query)}" if query else url


def missing_settings(provider: Provider, api_base: str | None = None) -> tuple[str, ...]:
    """Return the environment variables that must be set before `provider` can be called (at `api_base`)."""
    unfilled: tuple[str, ...] = ()
    if not (api_base or "").strip() and lookup(provider.base_url_env) is None:
        unfilled = tuple(name for name in _PLACEHOLDER.findall(provider.base_url) if lookup((name,)) is None)
    return (*missing(provider.credential), *unfilled)


def _filled(provider: Provider) -> str:
    """Return the record's base address with its placeholders filled in from the environment."""
    if "{" not in provider.base_url:
        return provider.base_url

    def value(match: re.Match[str]) -> str:
        text = lookup((match[1],))
        if text is None:
            raise BadRequestError(
                f"the address of provider {provider.name!r} is not known: set {match[1]} in the environment, "
                "or pass api_base",
                provider=provider.name,
                param="api_base",
                code="missing_api_base",
            )
        return text.rstrip("/")

    return _PLACEHOLDER.sub(value, provider.base_url)


@functools.lru_cache(maxsize=1024)
def _joined(base: str, path: str, version: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return base and path as one URL (`{model}` still in it), and the query of the base."""
    parts = _checked(base)
    before, after = _segments(parts.path), _segments(path)
    if any(segment in (".", "..") for segment in after):
        raise _no_model(path)
    overlap = next((size for size in range(len(after), 0, -1) if before[-size:] == after[:size]), 0)
    rest = after[overlap:]
    if overlap == 0:
        rest = _versioned(before, after, version)
    # A path may hold the model as its caller wrote it.
    added = (quote(segment, safe="@:{}") for segment in rest)
    return f"{parts.scheme}://{parts.netloc}/{'/'.join([*before, *added])}", tuple(parse_qsl(parts.query))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _versioned(before: list[str], after: list[str], version: str) -> list[str]:
    """Return the path behind the base, with one version: that at the end of the base, or else that of the path. A base without
    any path gets the provider's version."""
    named = bool(after) and _VERSION.fullmatch(after[0]) is not None
    if before and named and _VERSION.fullmatch(before[-1]):
        return after[1:]
    if not before and not named and version:
        return [version.strip("/"), *after]
    return after


def _checked(base: str) -> SplitResult:
    """Return the parts of a base address. Raise `BadRequestError` for anything but http and https."""
    parts = urlsplit(base) if not _FORBIDDEN.search(base) else urlsplit("")
    try:
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadRequestError(f"not an http(s) address: {base[:200]!r}", param="api_base", code="invalid_api_base")
    return parts


def _quoted(model: str) -> str:
    name = model.strip("/")
    if not name or any(segment in (".", "..") for segment in name.split("/")):
        raise _no_model(model)
    return quote(name, safe="/@:")


def _no_model(text: str) -> BadRequestError:
    return BadRequestError(f"not the name of a model: {text[:100]!r}", param="model", code="model_not_found")
