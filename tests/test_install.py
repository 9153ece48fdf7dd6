"""What the SDK installs: what a first call needs, and nothing else; and what the messages tell to install."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

from dragoman._install import install_command

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


def test_what_is_told_to_be_installed_can_be() -> None:
    """There is no release, so `pip install dragoman[...]` would fail: every message names an extra of a checkout."""
    root = Path(__file__).parents[1]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    sources = "\n".join(path.read_text() for path in (root / "src").rglob("*.py"))
    named = set(re.findall(r"""install_command\(["'](\w+)["']\)""", sources))
    assert named == {"gateway", "prices", "redis", "tokenizer"}
    assert named <= set(extras)
    assert not re.findall(r"dragoman\[\w+\]", sources)
    for name in named:
        assert install_command(name).startswith(f"pip install '.[{name}]'")
