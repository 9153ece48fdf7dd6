"""A provider from a mapping: a row of the table, a few lines of YAML, or a row in LiteLLM's words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dragoman.credentials import ApiKey, Credential, QueryKey
from dragoman.dialects.registry import dialect_names, find_dialect, find_operation, is_dialect, operation_names
from dragoman.errors import ConfigError
from dragoman.providers._accent import accent_from
from dragoman.providers._endpoints import LazyEndpoints, speaks
from dragoman.providers._provider import Provider
from dragoman.settings.option_readers import headers, mapping, string, texts_by_name
from dragoman.settings.readers import Reader, boolean, text, texts, wrong
from dragoman.settings.suggestions import did_you_mean

__all__ = ["provider_from_mapping"]


def _accent(value: Any, path: str) -> Any:
    if isinstance(value, str | Mapping) and value:
        return value
    raise wrong(path, "the name of an accent, or a mapping of its fields", value)


def _headers(value: Any, path: str) -> dict[str, str]:
    return headers(texts_by_name(value, path), path)


_KEYS: Mapping[str, Reader] = {
    "name": text,
    "base_url": text,
    "base_url_env": texts,
    "api_base_env": texts,  # LiteLLM's name for it
    "api_key_env": texts,
    "api_key_optional": boolean,
    "api_key_header": text,
    "api_key_scheme": string,
    "api_key_query": text,
    "dialect": text,
    "operations": texts,
    "supported_endpoints": texts,  # LiteLLM's
    "paths": texts_by_name,
    "version": string,
    "headers": _headers,
    "aliases": texts,
    "vendor": text,
    "accent": _accent,
    "param_mappings": texts_by_name,  # LiteLLM's
    "constraints": mapping,  # LiteLLM's
    "special_handling": mapping,  # LiteLLM's
}
"""Each key that a row may have, and the reader of its value."""
_REQUIRED = ("name", "base_url")


def provider_from_mapping(row: Mapping[str, Any], path: str = "provider") -> Provider:
    """Return the provider that `row` describes. `path` is the place of the row in messages.

    `name` and `base_url` are required. Raise `ConfigError`, naming each wrong key and the nearest known one.
    """
    row = _read(row, path)
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


def _read(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return the values of the row. Raise `ConfigError` with everything that is wrong with it."""
    if not isinstance(row, Mapping):
        raise wrong(path, "a mapping", row)
    values: dict[str, Any] = {}
    problems = [f"{path}.{key}: missing" for key in _REQUIRED if key not in row]
    for key, value in row.items():
        if key not in _KEYS:
            problems.append(f"{path}.{key}: unknown key{did_you_mean(key, _KEYS)}")
            continue
        try:
            values[key] = _KEYS[key](value, f"{path}.{key}")
        except ConfigError as error:
            problems += error.message.splitlines()
    problems += [f"{path}.{problem}" for problem in _contradictions(values)]
    if problems:
        raise ConfigError("\n".join(problems))
    return values


def _contradictions(row: Mapping[str, Any]) -> Iterator[str]:
    if "/" in row.get("name", ""):
        yield f"name: {row['name']!r} holds a slash, which ends the name in 'provider/model'"
    if "api_key_query" in row and not {"api_key_header", "api_key_scheme"}.isdisjoint(row):
        yield "api_key_query: expected the key in the query or in a header, found both"


def _dialect(row: Mapping[str, Any], path: str) -> str:
    dialect = str(row.get("dialect", "openai_chat"))
    if not is_dialect(dialect):
        names = sorted(dialect_names())
        raise ConfigError(f"{path}.dialect: no dialect {dialect!r}{did_you_mean(dialect, names)}, of {names}")
    return dialect


def _endpoints(row: Mapping[str, Any], dialect: str, path: str) -> LazyEndpoints:
    operations: tuple[str, ...] | None = None
    if "supported_endpoints" in row:
        operations = _operations_at(_tuple(row["supported_endpoints"]), dialect)
    if "operations" in row:
        operations = tuple(_operation(word, f"{path}.operations") for word in _tuple(row["operations"]))
    paths: dict[str, str] = {
        _operation(word, f"{path}.paths"): value for word, value in (row.get("paths") or {}).items()
    }
    return speaks(dialect, operations, paths)


def _operations_at(paths: Collection[str], dialect: str) -> tuple[str, ...]:
    """Return the operations that the dialect's clients call at these paths. Others are not spoken here."""
    routes = find_dialect(dialect).routes
    return tuple(route.codec.operation.name for route in routes if f"/v1{route.path}" in paths)


def _operation(word: str, path: str) -> str:
    if find_operation(word) is None:
        names = sorted(operation_names())
        raise ConfigError(f"{path}: no operation {word!r}{did_you_mean(word, names)}, of {names}")
    return word


def _base_url_env(name: str, base_url: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the variables that replace the address, without those that are part of the address itself."""
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
