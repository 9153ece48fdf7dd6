"""What the SDK installs: what a first call needs, and nothing else."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

MOST = 16
"""Distributions, Dragoman among them."""
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NOT_HERE = re.compile(
    r"extra\s*==|platform_system\s*==\s*['\"]Windows|python_version\s*<\s*['\"]3\.(?:[0-9]|1[01])['\"]"
)


def closure(asked: list[str]) -> set[str]:
    found: set[str] = set()
    while asked:
        line = asked.pop()
        match = _NAME.match(line)
        assert match is not None
        name = match[0].lower().replace("_", "-")
        if _NOT_HERE.search(line) or name in found:
            continue
        found.add(name)
        asked += requires(name) or []
    return found


def test_the_sdk_installs_few_distributions() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    found = closure(list(project["dependencies"]))
    assert {"aiohttp", "pydantic-core", "yarl"} <= found
    assert not found & {"brotli", "backports-zstd", "httpx", "pyyaml", "uvicorn"}
    assert len(found) + 1 <= MOST, sorted(found)
