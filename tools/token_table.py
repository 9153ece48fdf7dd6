"""Write the table of "Counting tokens" in docs/models.md: how far estimates and bounds are from what providers reported.

python tools/token_table.py        (needs the recordings, see CONTRIBUTING.md, and the extra `tokenizer`)
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dragoman.models.tokens import tokens_upper_bound  # noqa: E402
from dragoman.models.tokens._families import families, family_of  # noqa: E402
from tests.models.tokens.counted import Exchange, estimated, exact, exchanges, told  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- made by tools/token_table.py -->\n", "<!-- end of the table -->\n"
_HEAD = """| family | chats | counted exactly | estimate off by, median | 95 % | worst | bound / count, median |
|---|--:|--:|--:|--:|--:|--:|
"""


@dataclass
class _Row:
    errors: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)


def table() -> str:
    """The table, from all recorded chats whose content is there and can be counted."""
    rows: dict[str, _Row] = defaultdict(_Row)
    for exchange in filter(told, exchanges()):
        _add(rows[family_of(exchange.model).name], exchange)
    names = [*(family.name for family in families()), "others"]
    return _HEAD + "".join(_line(name, rows[name]) for name in names if name in rows)


def _add(row: _Row, exchange: Exchange) -> None:
    row.errors.append(abs(estimated(exchange) - exchange.reported) / exchange.reported)
    bound = tokens_upper_bound(exchange.request, provider=exchange.provider, model=exchange.model)
    if bound is not None:
        row.ratios.append(bound / exchange.reported)
    counted = exact(exchange)
    if counted is not None:
        row.exact.append(counted == exchange.reported)


def _line(name: str, row: _Row) -> str:
    errors = sorted(row.errors)
    cells = (
        name,
        str(len(errors)),
        f"{sum(row.exact)} of {len(row.exact)}" if row.exact else "",
        f"{median(errors):.0%}",
        f"{_at(errors, 0.95):.0%}",
        f"{errors[-1]:.0%}",
        f"{median(row.ratios):.1f}" if row.ratios else "",
    )
    return f"| {' | '.join(cells)} |\n"


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def written(page: str) -> str:
    """The page with the table in its place."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
