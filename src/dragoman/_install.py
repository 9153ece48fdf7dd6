"""How to install the optional parts. There is no release yet, so they are installed from a checkout."""

from __future__ import annotations

__all__ = ["install_command"]


def install_command(extra: str) -> str:
    """Return the command that installs an extra of `pyproject.toml`, as in `pip install '.[gateway]'`, and where to run it."""
    return f"pip install '.[{extra}]' in a checkout of Dragoman"
