"""docs/configuration.md lists every setting, docs/endpoints.md every path, and neither lists one that does not exist."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.dialects.registry import dialects
from dragoman.gateway.config.gateway_config import GatewayConfig, parse_config
from dragoman.gateway.config.settings_table import REQUEST_PARAMS, SECTIONS
from dragoman.gateway.http.routes import RouteTable

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "configuration.md").read_text(encoding="utf-8")
ENDPOINTS = (DOCS / "endpoints.md").read_text(encoding="utf-8")
HEADINGS = {"top_level": "Top level", "model": "model_list"}


def part(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_every_setting_has_its_row_and_every_row_its_setting(section: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", part(HEADINGS.get(section, section)), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == set(SECTIONS[section].settings) - (
        set(REQUEST_PARAMS) if section == "litellm_params" else set()
    )


def test_the_parameters_of_the_request_are_listed() -> None:
    listed = part("litellm_params").partition("leave them out:")[2].partition("A parameter that is not")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(REQUEST_PARAMS)


def test_the_example_is_a_configuration() -> None:
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    variables = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "DRAGOMAN_MASTER_KEY"), "something-long-enough")
    assert len(parse_config(yaml.safe_load(example[1]), variables).deployments) == 2


def test_the_defaults_are_those_of_the_code() -> None:
    config = GatewayConfig()
    defaults: dict[str, Any] = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| ([\d.]+) \|", TEXT, re.MULTILINE))
    fields = {**dataclasses.asdict(config.limits), **dataclasses.asdict(config.router)}
    fields |= {"keep_alive_seconds": config.keep_alive_seconds, "drain_seconds": config.drain_seconds}
    fields["max_request_size_mb"] = config.limits.max_request_bytes / 2**20
    fields["max_total_request_size_mb"] = config.limits.max_total_request_bytes / 2**20
    checked = defaults.keys() & fields.keys()
    assert {name: float(defaults[name]) for name in checked} == {name: float(fields[name]) for name in checked}
    assert len(checked) >= 12


def test_every_path_is_listed() -> None:
    paths = ENDPOINTS.partition("\n## Paths\n")[2].partition("\n## ")[0]
    table = RouteTable(dialects())
    for path in table.exact:
        assert path.removeprefix("/v1").removeprefix("alpha") in paths or path in paths
    for before, routes in table.patterns.items():
        assert before.removeprefix("/v1alpha").removeprefix("/v1") in paths
        assert all(after in paths for after in routes)
