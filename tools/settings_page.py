"""Write docs/settings.md: every setting of config.yaml, from the tables that read it.

python tools/settings_page.py
"""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import Any

from dragoman.gateway.config.settings_table import REQUEST_PARAMS, SECTIONS
from dragoman.settings.setting import MISSING, Setting

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_HEAD = """# Settings

Every setting of `config.yaml`, made by `tools/settings_page.py` from the tables that read it; a test keeps it up to date.
[Configuration](configuration.md) explains how the file is read. The settings of a router are the keyword arguments of the SDK's
`Router` as well. Times are seconds.
"""
_HEADINGS = {"model": "model_list"}
_TITLES = {"top_level": "Top level"}
_ABOUT = {
    "model": """Each entry is a deployment: one model at one provider with one key. Several entries may share a `model_name`;
[routing](routing.md) chooses among them.""",
    "router_settings": "Wins over the same key in `litellm_settings`.",
}
_ORDER = ("top_level", "model", "litellm_params", "router_settings", "litellm_settings", "general_settings")
_WIDTH = 120


def page() -> str:
    """Return the whole page."""
    return _HEAD + "".join(_section(name) for name in _ORDER)


def _section(name: str) -> str:
    title = _TITLES.get(name) or _HEADINGS.get(name, name)
    about = f"{_ABOUT[name]}\n\n" if name in _ABOUT else ""
    rows = "".join(_row(setting) for setting in SECTIONS[name].settings.values())
    more = _parameters() if SECTIONS[name].parameters else ""
    return f"\n## {title}\n\n{about}| key | type | default | meaning |\n|---|---|---|---|\n{rows}{more}"


def _row(setting: Setting) -> str:
    default = _default(setting) if setting.shown_default is None else setting.shown_default
    kind, doc = (text.replace("|", "\\|") for text in (setting.kind, _meaning(setting)))
    return f"| `{setting.name}` | {kind} | {default}{' ' if default else ''}| {doc}{' ' if doc else ''}|\n"


def _meaning(setting: Setting) -> str:
    section, _, name = setting.same_as.rpartition(".")
    if not section:
        return f"another name for `{name}`" if name else setting.doc
    return f"as in `{section}`" if name == setting.name else f"`{name}` of `{section}`"


def _default(setting: Setting) -> str:
    value: Any = setting.default
    if value is MISSING or value is None or (isinstance(value, Sized) and not value):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value / setting.factor:.15g}"
    return f"`{value}`" if isinstance(value, str) else ""


def _parameters() -> str:
    lines = [""]
    for name in REQUEST_PARAMS:
        if len(lines[-1]) + len(name) + 3 > _WIDTH:
            lines.append("")
        lines[-1] += f" `{name}`" if lines[-1] else f"`{name}`"
    listed = "\n".join(lines)
    return f"\nParameters of the request are defaults for callers that leave them out:\n{listed}.\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
