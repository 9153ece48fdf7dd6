"""Write docs/cli.md: every command and option, from the command line itself.

python tools/cli_page.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from dragoman.cli.main import app
from dragoman.simulator.cli import simulate

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
_HEAD = """# Command line

Made by `tools/cli_page.py` from the commands themselves; a test keeps it up to date. Each command prints the same
with `--help`.

`dragoman --version` prints the version, `dragoman --install-completion` sets up completion for the current shell.
`dragoman check` names what is wrong with a configuration by path and line, and warns of what is probably not meant.
`make demo PORT=4001` passes a port on.

Wrong input ends with status 2, and with a line that names what is wrong. `dragoman prices show` ends with status 1
for an unknown model, `dragoman prices diff --exit-code` where there are differences, and `dragoman explain` where the
call would fail.

`SIGTERM` and Ctrl+C drain: the gateway takes no new connections, and running calls have `drain_seconds` to end; after
that their callers are told that it is stopping. A second Ctrl+C does not wait.
"""


def page() -> str:
    """Return the whole page."""
    root: Any = typer.main.get_command(app)
    return _HEAD + "".join(_section(name, command) for name, command in _commands("dragoman", root))


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    for child_name, child in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(f"{name} {child_name}", child)
    if not hasattr(command, "commands"):
        yield name, _simulator() if name == "dragoman simulate" else command


def _simulator() -> Any:
    """The simulator's own command, which `dragoman simulate` hands its arguments to."""
    program = typer.Typer(add_completion=False)
    program.command()(simulate)
    return typer.main.get_command(program)


def _section(name: str, command: Any) -> str:
    parameters = [parameter for parameter in command.params if "--help" not in parameter.opts]
    arguments = "".join(f" {_argument(parameter)}" for parameter in parameters if _is_argument(parameter))
    about = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    table = "".join(_row(parameter) for parameter in parameters)
    head = "\n| argument or option | meaning | default |\n|---|---|---|\n" if table else ""
    return f"\n## {name}\n\n```\n{name}{arguments}{' [OPTIONS]' if table else ''}\n```\n\n{about}\n{head}{table}"


def _row(parameter: Any) -> str:
    names = [_argument(parameter)] if _is_argument(parameter) else [*parameter.opts, *parameter.secondary_opts]
    variable = f" Environment: `{parameter.envvar}`." if parameter.envvar else ""
    default = parameter.default
    said = "required" if parameter.required else "" if default in (None, False) or callable(default) else f"`{default}`"
    meaning = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| {', '.join(f'`{name}`' for name in names)} | {meaning}{variable} | {said} |\n"


def _argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name).upper().strip("{}")


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
