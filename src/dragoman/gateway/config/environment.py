"""Values of a configuration that stand in the environment: `os.environ/NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dragoman.gateway.logs.redactor import is_secret_name
from dragoman.settings.readers import Environment

__all__ = ["resolve_env"]

_REFERENCE = "os.environ/"


def resolve_env(value: Any, environment: Mapping[str, str], problems: list[str], path: str = "") -> Any:
    """Return `value` with every `os.environ/NAME` replaced, without the white space around it (a file that was read into a variable
    ends in a line break). A variable that is missing, and an empty one for a secret, become problems."""
    if isinstance(value, dict):
        return {
            key: resolve_env(item, environment, problems, f"{path}.{key}" if path else str(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [resolve_env(item, environment, problems, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str) and value.startswith(_REFERENCE):
        return _variable(value.removeprefix(_REFERENCE).strip(), environment, problems, path)
    return value


def _variable(name: str, environment: Mapping[str, str], problems: list[str], path: str) -> Environment:
    value = environment.get(name)
    if value is None:
        problems.append(f"{path}: the environment variable {name} is not set")
        return Environment("")
    value = value.strip()
    if not value and is_secret_name(path):
        problems.append(f"{path}: the environment variable {name} is empty")
    return Environment(value)
