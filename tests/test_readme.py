"""README.md tells the truth: what it says works is there, and what it says is missing is missing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import dragoman
from dragoman.errors import DragomanError
from dragoman.gateway._not_served import not_served
from dragoman.gateway._routes import find
from dragoman.gateway._settings import SECTIONS
from dragoman.gateway.config import parse_config
from dragoman.providers import Providers

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LATER = set(
    " ".join(tomllib.loads((ROOT / "src/dragoman/gateway/litellm_keys.toml").read_text("utf-8")).values()).split()
)
SETTINGS = {name for section in SECTIONS.values() for name in section.settings}


class Row(NamedTuple):
    feature: str
    names: list[str]
    state: str


TABLE = [
    Row(feature, re.findall(r"`([^`]+)`", names), state)
    for feature, names, state in re.findall(r"^\| (.+) \| (`.+`) \| (works|not yet) \|$", README, re.MULTILINE)
]


def exists(name: str) -> bool:
    """Whether the package offers a path, a public name, a setting or a provider of this name."""
    if name.startswith("/"):
        return find(name) is not None
    return name in dragoman.__all__ or name in SETTINGS or is_provider(name)


def is_provider(name: str) -> bool:
    try:
        Providers().find(name)
    except DragomanError:
        return False
    return True


def is_announced(name: str) -> bool:
    """Whether the package itself says of a name that it is not there yet."""
    if name.startswith("/"):
        return not_served("GET", name) is not None
    return name in LATER or not is_provider(name)


def test_the_table_was_read() -> None:
    assert sum(row.state == "works" for row in TABLE) >= 7
    assert sum(row.state == "not yet" for row in TABLE) >= 5


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.feature[:40])
def test_the_table_is_true(row: Row) -> None:
    if row.state == "works":
        assert [name for name in row.names if not exists(name)] == []
    else:
        assert [name for name in row.names if exists(name)] == []
        assert [name for name in row.names if not is_announced(name)] == []


def test_the_configuration_is_one() -> None:
    text = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert text
    variables = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "DRAGOMAN_MASTER_KEY"), "sk-f3hQ0sL2mZx8Vw7R")
    config = parse_config(yaml.safe_load(text[1]), variables)
    assert [item.alias for item in config.deployments] == ["smart", "smart-backup"]
    assert config.unsupported == ()
