"""A provider from a mapping: a row of the table, four lines of YAML, or a row as LiteLLM's users have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dragoman.credentials import ApiKey, Credential, QueryKey
from dragoman.dialects.registry import dialect_names, find_operation, is_dialect, operation_names
from dragoman.errors import ConfigError
from dragoman.providers._accent import accent_from
from dragoman.providers._endpoints import LazyEndpoints, speaks
from dragoman.providers._provider import Provider
from dragoman.settings.suggestions import did_you_mean

__all__ = ["provider_from_mapping"]

_ENDPOINTS: Mapping[str, str] = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embedding",
}
"""How LiteLLM's `supported_endpoints` name the operations."""


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _string(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return _text(value) or (isinstance(value, list | tuple) and all(map(_text, value)))


def _texts_by_name(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(item, str) for pair in value.items() for item in pair)


def _headers(value: Any) -> bool:
    return _texts_by_name(value) and all(item.isprintable() for pair in value.items() for item in pair)


def _object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _accent(value: Any) -> bool:
    return _text(value) or _object(value)


_TEXT, _TEXTS, _FLAG = "a non-empty string", "a string or a list of strings", "true or false"
_KEYS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_text, _TEXT),
    "base_url": (_text, _TEXT),
    "base_url_env": (_texts, _TEXTS),
    "api_base_env": (_texts, _TEXTS),  # LiteLLM's name for it
    "api_key_env": (_texts, _TEXTS),
    "api_key_optional": (_flag, _FLAG),
    "api_key_header": (_text, _TEXT),
    "api_key_scheme": (_string, "a string"),
    "api_key_query": (_text, _TEXT),
    "dialect": (_text, _TEXT),
    "operations": (_texts, _TEXTS),
    "supported_endpoints": (_texts, _TEXTS),  # LiteLLM's
    "paths": (_texts_by_name, "a mapping of operations to paths"),
    "version": (_string, "a string"),
    "headers": (_headers, "a mapping of strings to strings without line breaks"),
    "aliases": (_texts, _TEXTS),
    "vendor": (_text, _TEXT),
    "accent": (_accent, "the name of an accent, or a mapping of its fields"),
    "param_mappings": (_texts_by_name, "a mapping of strings to strings"),  # LiteLLM's
    "constraints": (_object, "a mapping"),  # LiteLLM's
    "special_handling": (_object, "a mapping"),  # LiteLLM's
}
"""Each key that a row may have, and how its value is checked."""


def provider_from_mapping(row: Mapping[str, Any], path: str = "provider") -> Provider:
    """The provider that `row` describes; `path` says in errors where the row stands.

    Needed are `name` and `base_url`. Raises `ConfigError`, naming each wrong key and the nearest known one."""
    _check(row, path)
    dialect = _dialect(row, path)
    name = str(row["name"]).strip()
    base_url = str(row["base_url"]).strip().replace("${", "{")
    return Provider(
        name=name,
        base_url=base_url,
        base_url_env=_base_url_env(name, base_url, row),
        version=str(row.get("version", "")),
        aliases=_tuple(row.get("aliases")),
        headers=dict(row.get("headers") or {}),
        vendor=str(row.get("vendor", "")),
        credential=_credential(row),
        endpoints=_endpoints(row, dialect, path),
        accent=accent_from(row, dialect, path),
    )


def _credential(row: Mapping[str, Any]) -> Credential:
    env, optional = _tuple(row.get("api_key_env")), bool(row.get("api_key_optional", False))
    if "api_key_query" in row:
        return QueryKey(env=env, parameter=str(row["api_key_query"]).strip(), optional=optional)
    return ApiKey(
        env=env,
        header=str(row.get("api_key_header", "authorization")).lower(),
        # A key in a header of its own stands there bare.
        scheme=str(row.get("api_key_scheme", "" if "api_key_header" in row else "Bearer ")),
        optional=optional,
    )


def _check(row: Mapping[str, Any], path: str) -> None:
    """Refuse the row whole, with everything that is wrong with it."""
    if not isinstance(row, Mapping):
        raise ConfigError(f"{path}: expected a mapping, found {type(row).__name__}")
    wrong = [_unknown_key(str(key), path) for key in row if key not in _KEYS]
    wrong += [f"{path}.{key}: missing" for key in ("name", "base_url") if key not in row]
    for key, value in row.items():
        fits, expected = _KEYS.get(key, (None, ""))
        if fits is not None and not fits(value):
            wrong.append(f"{path}.{key}: expected {expected}, found {type(value).__name__}")
    if _string(row.get("name")) and "/" in row["name"]:
        wrong.append(f"{path}.name: {row['name']!r} holds a slash, which ends the name in 'provider/model'")
    if "api_key_query" in row and not {"api_key_header", "api_key_scheme"}.isdisjoint(row):
        wrong.append(f"{path}.api_key_query: expected the key in the query or in a header, found both")
    if wrong:
        raise ConfigError("\n".join(wrong))


def _unknown_key(key: str, path: str) -> str:
    return f"{path}.{key}: unknown key{did_you_mean(key, _KEYS)}"


def _dialect(row: Mapping[str, Any], path: str) -> str:
    dialect = str(row.get("dialect", "openai_chat"))
    if not is_dialect(dialect):
        names = sorted(dialect_names())
        raise ConfigError(f"{path}.dialect: no dialect {dialect!r}{did_you_mean(dialect, names)}, of {names}")
    return dialect


def _endpoints(row: Mapping[str, Any], dialect: str, path: str) -> LazyEndpoints:
    operations: tuple[str, ...] | None = None
    if "supported_endpoints" in row:
        operations = tuple(op for url, op in _ENDPOINTS.items() if url in _tuple(row["supported_endpoints"]))
    if "operations" in row:
        operations = tuple(_operation(word, f"{path}.operations") for word in _tuple(row["operations"]))
    paths: dict[str, str] = {
        _operation(word, f"{path}.paths"): value for word, value in (row.get("paths") or {}).items()
    }
    return speaks(dialect, operations, paths)


def _operation(word: str, path: str) -> str:
    if find_operation(word) is None:
        names = sorted(operation_names())
        raise ConfigError(f"{path}: no operation {word!r}{did_you_mean(word, names)}, of {names}")
    return word


def _base_url_env(name: str, base_url: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables that replace the address. One that the address itself is made of does not replace it."""
    stem = re.sub(r"[^A-Z0-9]", "_", name.upper())
    names = (
        *_tuple(row.get("base_url_env")),
        *_tuple(row.get("api_base_env")),
        f"{stem}_API_BASE",
        f"{stem}_BASE_URL",
    )
    return tuple(dict.fromkeys(name for name in names if f"{{{name}}}" not in base_url))


def _tuple(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value.strip(),) if isinstance(value, str) else tuple(str(item).strip() for item in value)
