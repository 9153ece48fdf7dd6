"""Holds a loaded config.yaml against `_settings.py`: every fault is found, not only the first."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from dragoman.gateway._settings import SECTIONS, Environment, Setting
from dragoman.models._litellm_names import PRICE_NAMES

__all__ = ["Findings", "read_section"]


class Findings:
    """What is wrong with a file, and what in it is known and not acted on yet."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.unsupported: list[str] = []

    def problem(self, path: str, message: str) -> None:
        self.problems.append(f"{path}: {message}" if path else message)


def read_section(value: Any, section: str, path: str, findings: Findings) -> dict[str, Any]:
    """The settings of one mapping, as their types say. What cannot be used is noted and left out."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        findings.problem(path, "expected a mapping")
        return {}
    known = SECTIONS[section]
    found: dict[str, Any] = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else str(key)
        setting = known.setting(str(key))
        if setting is not None:
            if item is not None:
                _read(found, key, item, setting, where, findings)
        elif key in known.unsupported:
            findings.unsupported.append(where)
        else:
            findings.problem(where, f"unknown key{_nearest(str(key), section)}")
    return found


def _read(found: dict[str, Any], key: str, item: Any, setting: Setting, where: str, findings: Findings) -> None:
    if item == "" and isinstance(item, Environment):
        # Its variable is missing, which has been noted; or it is empty, which is as good as left out.
        return
    try:
        found[key] = setting.read(item)
    except ValueError as error:
        findings.problem(where, f"{error}, got {_kind(item)}")


def _kind(value: Any) -> str:
    """What a value is, never the value: it may be a secret."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    names = {"str": "a text", "list": "a list", "dict": "a mapping", "Environment": "a text from the environment"}
    return names.get(type(value).__name__, type(value).__name__)


def _nearest(key: str, section: str) -> str:
    known = SECTIONS[section]
    names = [*known.settings, *sorted(known.unsupported), *(sorted(PRICE_NAMES) if known.prices else ())]
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]}?"
    homes = [
        name
        for name in ("top_level", "general_settings", "litellm_settings", "router_settings")
        if key in SECTIONS[name].settings
    ]
    if homes:
        return f"; it belongs {'at the top level' if homes[0] == 'top_level' else 'under ' + homes[0]}"
    return "; a parameter that only this provider knows goes under extra_body" if section == "litellm_params" else ""
