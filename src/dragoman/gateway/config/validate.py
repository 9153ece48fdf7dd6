"""Check the mappings of a config.yaml against the table of settings: every problem is found, not only the first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any

from dragoman.errors import ConfigError
from dragoman.gateway.config.settings_table import SECTIONS
from dragoman.litellm.price_names import PRICE_NAMES
from dragoman.settings.readers import Environment, Reader
from dragoman.settings.suggestions import did_you_mean

__all__ = ["ConfigProblems", "is_nested_under", "read_section"]

_PART = re.compile(r"[.\[]")
"""Where the next part of a path begins."""
_SERVE_OPTIONS = ("host", "port")
"""Of the command line, as two files could name two addresses for one process."""
_MAX_REMARKS = 100
"""Finding a similar name takes a millisecond, and no more problems than these are shown."""


class ConfigProblems:
    """The problems of a file, and its keys that are known and have no effect yet."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.unsupported: list[str] = []

    def problem(self, path: str, message: str) -> None:
        self.problems.append(f"{path}: {message}" if path else message)

    def forget_unused(self) -> None:
        """Drop the problems below keys without effect."""
        unused = frozenset(self.unsupported)
        self.problems = [line for line in self.problems if not is_nested_under(line.partition(": ")[0], unused)]


def is_nested_under(path: str, others: Set[str]) -> bool:
    """Whether a path such as `model_list[3].litellm_params.model` is one of the others, or stands below one."""
    return path in others or any(path[: part.start()] in others for part in _PART.finditer(path))


def read_section(value: Any, section: str, path: str, problems: ConfigProblems) -> dict[str, Any]:
    """Return the settings of one mapping, each read by its reader. Problems are collected, and their keys left out."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        problems.problem(path, "expected a mapping")
        return {}
    known = SECTIONS[section]
    settings: dict[str, Any] = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else str(key)
        reader = known.reader(str(key))
        if reader is not None:
            if item is not None:
                _read(settings, key, item, reader, where, problems)
        elif key in known.unsupported:
            problems.unsupported.append(where)
        else:
            near_name = _nearest(str(key), section) if len(problems.problems) < _MAX_REMARKS else ""
            problems.problem(where, f"unknown key{near_name}")
    return settings


def _read(settings: dict[str, Any], key: str, item: Any, reader: Reader, where: str, problems: ConfigProblems) -> None:
    if item == "" and isinstance(item, Environment):
        # Its variable is missing, which is a problem already; or it is empty, which counts as absent.
        return
    try:
        settings[key] = reader(item, where)
    except ConfigError as error:
        problems.problems += error.message.splitlines()


def _nearest(key: str, section: str) -> str:
    if section == "model" and SECTIONS["litellm_params"].reader(key) is not None:
        return "; it belongs under litellm_params: indent it"
    if section == "top_level" and key in _SERVE_OPTIONS:
        return f"; pass --{key} to `dragoman serve`"
    known = SECTIONS[section]
    names = [*known.names, *(sorted(PRICE_NAMES) if known.prices else ())]
    remark = did_you_mean(key, names, cutoff=0.6)
    if remark:
        return remark
    homes = [
        name
        for name in ("top_level", "general_settings", "litellm_settings", "router_settings")
        if key in SECTIONS[name].settings
    ]
    if homes:
        return f"; it belongs {'at the top level' if homes[0] == 'top_level' else 'under ' + homes[0]}"
    return "; a parameter that only this provider knows goes under extra_body" if section == "litellm_params" else ""
