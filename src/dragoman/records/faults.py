"""What a store of records raises. Neither error reaches a caller as it is: governance decides what a call gets."""

from __future__ import annotations

__all__ = ["RecordConflict", "RecordsUnavailable"]


class RecordsUnavailable(Exception):
    """The store cannot commit now. Whether the verb has taken effect is unknown; repeating it is safe."""


class RecordConflict(Exception):
    """The store holds something else under this id, or another version of it. Nothing was changed."""
