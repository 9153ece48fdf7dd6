"""The references of one JSON schema: what each leads to, and which lead back to themselves. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from dragoman.dialects.json_schema_spelling import anchors, references
from dragoman.dialects.reference_graph import in_cycles
from dragoman.dialects.validation import bad
from dragoman.types.json import JsonObject

__all__ = ["References"]


class References:
    """Looks up references in `root`, which stands at `path` of the request."""

    def __init__(self, root: JsonObject, path: str) -> None:
        self._root = root
        self._path = path
        self._recursive: dict[str, bool] = {}
        self._anchors: dict[str, JsonObject] | None = None
        self._names: dict[int, set[str]] = {}
        """By the identity of a schema: the references in it."""

    def is_recursive(self, ref: str) -> bool:
        """Whether what `ref` names contains itself."""
        if ref not in self._recursive:
            edges: dict[str, set[str]] = {}
            pending = [ref]
            while pending:  # a name that is known leads to known names only
                name = pending.pop()
                if name not in edges and name not in self._recursive:
                    edges[name] = self._names_in(self.target(name, self._path))
                    pending.extend(edges[name])
            cycles = in_cycles(edges)
            self._recursive.update((name, name in cycles) for name in edges)
        return self._recursive[ref]

    def _names_in(self, target: JsonObject) -> set[str]:
        """One target has any number of names: `#/$defs/a`, `#/$defs/%61`, ..."""
        if id(target) not in self._names:
            self._names[id(target)] = references(target)
        return self._names[id(target)]

    def target(self, ref: str, path: str) -> JsonObject:
        """Return the schema that `ref` names. Raise `BadRequestError` with `path` where there is none."""
        if not ref.startswith("#"):
            raise bad(path, f"{ref!r} is not inside of the schema", code="unsupported_schema")
        node = self._at_pointer(ref) if ref == "#" or ref.startswith("#/") else self._at_anchor(ref[1:])
        if node is True:
            return {}
        if not isinstance(node, dict):
            raise bad(path, f"{ref!r} leads to nothing", code="unsupported_schema")
        return node

    def _at_anchor(self, name: str) -> Any:
        if self._anchors is None:
            self._anchors = anchors(self._root)
        return self._anchors.get(name)

    def _at_pointer(self, ref: str) -> Any:
        """https://www.rfc-editor.org/rfc/rfc6901"""
        node: Any = self._root
        for step in ref[2:].split("/") if ref != "#" else ():
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict):
                node = node.get(key)
            else:
                is_index = isinstance(node, list) and key.isascii() and key.isdigit() and len(key) < 9
                node = next(iter(node[int(key) : int(key) + 1]), None) if is_index else None
        return node
