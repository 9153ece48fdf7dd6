"""Which of the things that name each other name themselves in the end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["in_cycles"]


def in_cycles(edges: Mapping[str, Collection[str]]) -> set[str]:
    """Return the names from which one comes back to them, in time linear in the edges (Kosaraju's algorithm).

    `edges`: name -> the names that it leads to; those that are no keys lead nowhere."""
    backwards: dict[str, list[str]] = {name: [] for name in edges}
    for name, targets in edges.items():
        for target in targets:
            if target in backwards:
                backwards[target].append(name)
    seen: set[str] = set()
    order = [name for start in edges for name in _walk(start, edges, seen)]
    seen = set()
    members: set[str] = set()
    for name in reversed(order):
        component = _walk(name, backwards, seen)
        if len(component) > 1 or name in edges[name]:
            members.update(component)
    return members


def _walk(start: str, edges: Mapping[str, Collection[str]], seen: set[str]) -> list[str]:
    """The names that are reached from `start` and not `seen` yet, each after those that it leads to."""
    if start in seen:
        return []
    seen.add(start)
    finished: list[str] = []
    path = [(start, iter(edges[start]))]
    while path:
        name, targets = path[-1]
        following = next((target for target in targets if target in edges and target not in seen), None)
        if following is None:
            path.pop()
            finished.append(name)
        else:
            seen.add(following)
            path.append((following, iter(edges[following])))
    return finished
