"""How a replay spreads the calls that chance decides: as the log did while the shares are the same, and else as they are now."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ShareSplit", "Shares"]

_DEVIATIONS = 4.0
"""Standard deviations that are still chance."""


class ShareSplit(NamedTuple):
    """Of one alias: where its calls went, by the id of the deployment. Empty: one that is no more."""

    logged: Counter[str]
    drawn: Counter[str]
    """By chance, as the shares are now."""

    def differs(self) -> bool:
        """By more than chance."""
        calls = self.logged.total()
        for name in {*self.logged, *self.drawn}:
            share = (self.logged[name] + self.drawn[name]) / (2 * calls)
            deviation = math.sqrt(2 * calls * share * (1 - share))
            if abs(self.logged[name] - self.drawn[name]) > _DEVIATIONS * deviation:
                return True
        return False


class Shares:
    """`changed` are the aliases whose shares are known not to be the log's. Of their calls so many stay as can, and the others go
    to those that have more calls now than in the log: all together are spread as chance spreads them."""

    def __init__(self, changed: Mapping[str, ShareSplit] | None = None, seed: int = 0) -> None:
        self._known = changed or {}
        self._chance = random.Random(seed)
        self._splits: defaultdict[str, ShareSplit] = defaultdict(lambda: ShareSplit(Counter(), Counter()))

    def count(self, alias: str, *, logged: str, drawn: str) -> None:
        """One choice, as the log has it, and as chance drew it."""
        split = self._splits[alias]
        split.logged[logged] += 1
        split.drawn[drawn] += 1

    def wanted(self, alias: str, logged: str) -> str:
        """Where a call of the log is to go, if chance can send it there; empty: wherever chance sends it."""
        split = self._known.get(alias)
        if split is None:
            return logged
        previous, after = split.logged[logged], split.drawn[logged]
        if previous and self._chance.random() * previous < after:
            return logged
        gains = {name: gain for name, count in split.drawn.items() if (gain := count - split.logged[name]) > 0}
        return self._chance.choices(list(gains), list(gains.values()))[0] if gains else ""

    def changed(self) -> Mapping[str, ShareSplit]:
        """The aliases where the log and chance differ by more than chance."""
        return {alias: split for alias, split in self._splits.items() if split.differs()}
