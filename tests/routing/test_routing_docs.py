"""The configurations in docs/routing.md are configurations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import dragoman
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.routing.settings.table import router_settings

TEXT = (Path(__file__).parents[2] / "docs" / "routing.md").read_text(encoding="utf-8")
WHOLE = [text for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if "model_list:" in text]
NAMES = ("OPENAI_API_KEY", "OPENAI_EU_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")
VARIABLES = {**dict.fromkeys(NAMES, "key-of-a-test"), "REDIS_URL": "redis://127.0.0.1:6379/0"}


def test_there_is_a_minimal_and_a_rich_one() -> None:
    minimal, *_, rich = WHOLE
    assert len(minimal.splitlines()) < 12
    assert len(rich.splitlines()) > 50


@pytest.mark.parametrize("text", WHOLE)
def test_a_configuration_is_read_by_the_gateway_and_by_the_sdk(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    data: dict[str, Any] = yaml.safe_load(text)
    config = parse_config(data, VARIABLES)
    assert config.unsupported == ()
    assert len(config.deployments) == len(data["model_list"])
    said = {name: value for name, value in data["router_settings"].items() if not name.startswith("redis")}
    assert (
        parse_config({**data, "router_settings": said}, VARIABLES).router.fallbacks == router_settings(said).fallbacks
    )
    router = dragoman.Router(data["model_list"], **said)
    assert set(router.model_names) == {item.alias for item in config.deployments} | set(config.aliases)
    router.close()
