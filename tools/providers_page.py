"""Write docs/providers.md: every provider, from the records themselves.

python tools/providers_page.py
"""

from __future__ import annotations

from pathlib import Path

from dragoman.providers import Provider, Providers

PAGE = Path(__file__).parents[1] / "docs" / "providers.md"
_HEAD = """# Providers

Made by `tools/providers_page.py`; a test keeps it up to date. Write `name/model` or `alias/model`. The key is taken from the
call, the deployment, or the first of the listed variables that is set. `<NAME>_API_BASE` and `<NAME>_BASE_URL` (capitals,
everything but letters and digits as `_`) replace the address. How to add one: [add-a-provider.md](add-a-provider.md).

{count} providers.

| name | aliases | address | key | offers |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    known = Providers()
    rows = [_row(known.find(name)) for name in known.names()]
    return _HEAD.format(count=len(rows)) + "".join(rows)


def _row(provider: Provider) -> str:
    optional = " (optional)" if getattr(provider.credential, "optional", False) else ""
    keys = ", ".join(f"`{name}`" for name in provider.credential.env)
    cells = (
        f"`{provider.name}`",
        ", ".join(f"`{alias}`" for alias in provider.aliases),
        f"`{provider.base_url}`",
        f"{keys}{optional}",
        ", ".join(provider.endpoints) or "nothing yet",
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
