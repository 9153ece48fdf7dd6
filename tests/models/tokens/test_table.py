"""The table of docs/models.md, and what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from dragoman.models.tokens._families import families, family_of
from tests.models.tokens.counted import Exchange, estimated, told

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "models.md"
BAND = 0.35
"""The documented band: in every family half of the estimates are no farther off."""


@pytest.mark.usefixtures("recorded")
def test_the_table_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    script = "import sys; sys.path.insert(0, 'tools'); import token_table as t; print(t.table(), end='')"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout in page, "run python tools/token_table.py"


def test_estimates_keep_within_their_band(recorded: tuple[Exchange, ...]) -> None:
    errors: dict[str, list[float]] = {}
    for each in filter(told, recorded):
        error = abs(estimated(each) - each.reported) / each.reported
        errors.setdefault(family_of(each.model).name, []).append(error)
    assert {name: median(found) for name, found in errors.items() if median(found) > BAND} == {}


def test_every_family_is_told_of(recorded: tuple[Exchange, ...]) -> None:
    page = PAGE.read_text("utf-8")
    seen = {family_of(each.model).name for each in filter(told, recorded)}
    assert {family.name for family in families() if family.name in seen and family.name not in page} == set()
