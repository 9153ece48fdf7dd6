"""Logs that are written down in a test, and what `dragoman replay` says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from dragoman.cli.main import app
from tests.gateway.serving import KEY, PROVIDER_KEY

__all__ = ["PRICED", "START", "call", "entry", "kinds", "run"]

KINDS = ("unchanged", "elsewhere", "moved", "fails_again", "becomes_answer", "becomes_failure", "not_judged")
START = 1_790_000_000.0
PRICED: dict[str, Any] = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}


def call(number: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "time": START + number,
        "model": "smart",
        "operation": "chat",
        "provider": "openai",
        "answered_by": "old",
        "deployment": "smart:0",
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        "cost": "0.0012",
        "milliseconds": 500.0,
        **more,
    }


def entry(name: str, target: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": target, "api_key": PROVIDER_KEY, **params}}


def run(folder: Path, rows: list[Any], models: list[Any], *more: str, **settings: Any) -> Any:
    """What `--json` says, or the text where that is not among the arguments."""
    log, config = folder / "calls.jsonl", folder / "new.yaml"
    log.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    sections = {"model_list": models, "router_settings": settings, "general_settings": {"master_key": KEY}}
    config.write_text(yaml.safe_dump(sections))
    result = CliRunner().invoke(app, ["replay", "--log", str(log), "--config", str(config), *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert PROVIDER_KEY not in result.output
    if result.exit_code:
        return result.exit_code, result.output
    return json.loads(result.output) if "--json" in more else result.output


def kinds(told: dict[str, Any]) -> dict[str, int]:
    """What has become of the calls, without what has become of none."""
    found = {name: told[name] for name in KINDS if told[name]}
    assert sum(found.values()) == told["calls"]
    return found
