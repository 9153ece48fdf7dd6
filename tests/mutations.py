"""JSON with one value replaced by an odd one: what a faulty provider may answer, and a careless caller may send."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

__all__ = ["ODD_VALUES", "mutations"]

ODD_VALUES: tuple[Any, ...] = (
    None, True, 5, -1.5, 10**15, "", "s", "nan", "1e999", "\x00", [], [None], ["s"], [5], [[]], [{}], {}, {"a": None},
    {"type": []}, [{"type": []}], {"content": [5]}, {"$ref": []}, [{"url": {}}],
)  # fmt: skip


def mutations(body: Any, count: int, seed: int = 0) -> Iterator[Any]:
    """Yield `count` copies of `body`, each with one value replaced: the same ones for the same seed."""
    chance = random.Random(seed)
    paths = list(_paths(body))
    for _ in range(count):
        mutation = copy.deepcopy(body)
        *above, last = chance.choice(paths)
        target = mutation
        for step in above:
            target = target[step]
        target[last] = copy.deepcopy(chance.choice(ODD_VALUES))
        yield mutation


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from _paths(item, (*path, key))
