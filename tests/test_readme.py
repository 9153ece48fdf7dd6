"""README.md tells the truth: what it says works is there, and what it says is missing is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import dragoman
from dragoman.dialects.registry import dialects
from dragoman.errors import DragomanError
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.config.settings_table import SECTIONS
from dragoman.gateway.http.not_served import not_served
from dragoman.gateway.routes import RouteTable
from dragoman.providers import Providers
from tests.simulator.running import running

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LATER = {name for section in SECTIONS.values() for name in section.unsupported}
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
        return RouteTable(dialects()).find(name) is not None
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


SNIPPETS = [
    (page, code)
    for page in ("README.md", "docs/quickstart.md", "docs/sdk.md")
    for code in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    if (re.search(r"^(?:from|import) ", code, re.MULTILINE) and "print(" in code) or "create(" in code
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The simulator, and the README's own configuration served in front of it, as environment variables."""
    text = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert text
    config = tmp_path_factory.mktemp("readme") / "config.yaml"
    config.write_text(text[1], encoding="utf-8")
    with running("simulate", health="/_simulator/calls") as there:
        environment = {
            "OPENAI_API_KEY": "sim-key",
            "OPENAI_API_BASE": f"{there}/v1",
            "ANTHROPIC_API_KEY": "sim-key",
            "ANTHROPIC_API_BASE": there,
            "DRAGOMAN_MASTER_KEY": "sk-f3hQ0sL2mZx8Vw7R",
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            with running("serve", "--config", str(config), health="/health/readiness") as here:
                yield {**environment, "GATEWAY": here}


@pytest.mark.parametrize(("page", "code"), SNIPPETS)
def test_the_snippets_run(page: str, code: str, served: dict[str, str]) -> None:
    code = code.replace("http://127.0.0.1:4000", served["GATEWAY"])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **served},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_there_are_snippets_of_the_sdk_and_of_the_gateway() -> None:
    assert len(SNIPPETS) >= 4
    assert any("4000" in code for _, code in SNIPPETS)
