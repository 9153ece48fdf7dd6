"""How a replay spreads the calls that chance decides: as the log did while the shares are the same, and else as they are now."""

from __future__ import annotations

import math
from collections import Counter

__all__ = ["Shares"]

_DEVIATIONS = 4.0
"""Standard deviations that are still chance."""


class Shares:
    """By alias and deployment. `changed` are the aliases whose shares are known not to be the log's."""

    def __init__(self, changed: frozenset[str] = frozenset()) -> None:
        self.changed = changed
        self._drawn: Counter[tuple[str, str]] = Counter()
        self._placed: Counter[tuple[str, str]] = Counter()
        self._logged: Counter[tuple[str, str]] = Counter()
        self._calls: Counter[str] = Counter()

    def has_room(self, alias: str, deployment: str) -> bool:
        """Whether a call may stay there although chance drew another."""
        if alias not in self.changed:
            return True
        key = alias, deployment
        return self._placed[key] < self._drawn[key]

    def count(self, alias: str, *, drawn: str, placed: str, logged: str) -> None:
        """A choice, as chance drew it, as it was made, and as the log has it (empty: a deployment that is no more)."""
        self._calls[alias] += 1
        self._drawn[alias, drawn] += 1
        self._placed[alias, placed] += 1
        self._logged[alias, logged] += 1

    def found_changed(self) -> frozenset[str]:
        """The aliases where the log and chance differ by more than chance."""
        found = {alias for alias, name in {**self._drawn, **self._logged} if self._differs(alias, name)}
        return frozenset(found) | self.changed

    def _differs(self, alias: str, name: str) -> bool:
        drawn, logged, calls = self._drawn[alias, name], self._logged[alias, name], self._calls[alias]
        share = (drawn + logged) / (2 * calls)
        deviation = math.sqrt(2 * calls * share * (1 - share))
        return abs(drawn - logged) > _DEVIATIONS * deviation
