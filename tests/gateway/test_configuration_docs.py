"""The example of docs/configuration.md is valid, and docs/endpoints.md lists every path. See tests/tools/test_settings_page.py."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from dragoman.dialects.registry import dialects
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.routes import RouteTable

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "configuration.md").read_text(encoding="utf-8")
ENDPOINTS = (DOCS / "endpoints.md").read_text(encoding="utf-8")


def test_the_example_is_a_configuration() -> None:
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    variables = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "DRAGOMAN_MASTER_KEY"), "something-long-enough")
    assert len(parse_config(yaml.safe_load(example[1]), variables).deployments) == 2


def test_every_path_is_listed() -> None:
    paths = ENDPOINTS.partition("\n## Paths\n")[2].partition("\n## ")[0]
    table = RouteTable(dialects())
    for path in table.exact:
        assert path.removeprefix("/v1").removeprefix("alpha") in paths or path in paths
    for before, routes in table.patterns.items():
        assert before.removeprefix("/v1alpha").removeprefix("/v1") in paths
        assert all(after in paths for after in routes)
