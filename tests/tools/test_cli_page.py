"""docs/cli.md is what the command line says of itself."""

from __future__ import annotations

from tools import cli_page


def test_the_page_is_what_the_commands_say() -> None:
    assert cli_page.PAGE.read_text("utf-8") == cli_page.page(), "run python tools/cli_page.py"


def test_every_command_has_a_section() -> None:
    for command in ("serve", "check", "demo", "simulate", "explain", "replay", "version", "prices show", "prices diff"):
        assert f"\n## dragoman {command}\n" in cli_page.page()
