"""Read the sections of a config.yaml that are no tables of settings: environment variables, providers and the model list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from dragoman.errors import ConfigError
from dragoman.gateway.config.environment import resolve_env
from dragoman.gateway.config.validate import ConfigProblems, read_section
from dragoman.gateway.logs.redactor import is_secret_name
from dragoman.providers import Provider, provider_from_mapping

__all__ = ["environment_variables", "read_model_list", "read_providers"]


def environment_variables(value: Any, environment: Mapping[str, str], problems: ConfigProblems) -> dict[str, str]:
    """Read the variables that a file sets; they may refer to those of the environment."""
    path = "environment_variables"
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.problem(path, "expected a mapping of names to texts")
        return {}
    variables: dict[str, str] = {}
    for name, item in resolve_env(value, environment, problems.problems, path).items():
        text = _variable_text(name, item)
        if text is None:
            problems.problem(f"{path}.{name}", "expected a text or a number")
            continue
        variables[name] = text
        if is_secret_name(name) and not text.isprintable():
            problems.problem(f"{path}.{name}", "holds a line break, which no key does")
    return variables


def _variable_text(name: Any, value: Any) -> str | None:
    """Return the text of an environment variable; None if there can be none of this name or value."""
    if not isinstance(name, str) or "=" in name or isinstance(value, (dict, list)) or value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value).strip()


def read_providers(value: Any, problems: ConfigProblems) -> list[Provider]:
    """Read a list of rows, or a mapping of names to rows."""
    rows = _rows(value)
    if rows is None:
        problems.problem("providers", "expected a list, or a mapping of names")
        return []
    providers: list[Provider] = []
    for path, row in rows:
        if not isinstance(row, dict):
            problems.problem(path, "expected a mapping")
            continue
        try:
            providers.append(provider_from_mapping(row, path))
        except ConfigError as error:
            problems.problems += error.message.splitlines()
    return providers


def _rows(value: Any) -> list[tuple[str, Any]] | None:
    """Return the rows with their paths."""
    if isinstance(value, dict):
        return [
            (f"providers.{name}", {"name": name, **row} if isinstance(row, dict) else row)
            for name, row in value.items()
        ]
    if isinstance(value, list):
        return [(f"providers[{index}]", row) for index, row in enumerate(value)]
    return [] if value is None else None


def read_model_list(value: Any, problems: ConfigProblems) -> list[dict[str, Any]]:
    """Return the entries with the keys that have an effect."""
    if not isinstance(value, list) or not value:
        problems.problem("model_list", "expected a list of models, each with model_name and litellm_params")
        return []
    entries: list[dict[str, Any]] = []
    first: dict[bytes, int] = {}
    for index, item in enumerate(value):
        path = f"model_list[{index}]"
        entry = read_section(item, "model", path, problems)
        if "litellm_params" in entry and "params" in entry:
            problems.problem(f"{path}.params", "is another word for litellm_params, which is given too")
        key = "params" if "params" in entry else "litellm_params"
        entry[key] = read_section(entry.get(key), "litellm_params", f"{path}.{key}", problems)
        if isinstance(item, Mapping) and "model" not in entry[key]:
            entry[key] = {**_misplaced(item), **entry[key]}
        same = first.setdefault(_canonical(entry), index) if "model_name" in entry and entry[key] else index
        if same != index:
            problems.problem(path, f"is the same as model_list[{same}]")
        entries.append(entry)
    return entries


def _misplaced(item: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the `model` that stands beside `litellm_params`, or under a misspelt name of it: that is a problem already, and a
    missing model would be none of its own."""
    others = (value for value in item.values() if isinstance(value, Mapping))
    model = next((place["model"] for place in (item, *others) if "model" in place), None)
    return {} if model is None else {"model": model}


def _canonical(entry: Mapping[str, Any]) -> bytes:
    """Return the same bytes for entries with the same content."""
    try:
        return orjson.dumps(entry, default=repr, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # large integers and lone surrogates, which JSON cannot express
        return repr(entry).encode("utf-8", "surrogatepass")
