"""Which calls are copied to other models: the `mirror` setting and its reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from dragoman.errors import ConfigError
from dragoman.settings.readers import Reader, number, record, seconds, text, whole, wrong

__all__ = ["Mirror", "MirrorPolicy", "mirror_policy"]


class Mirror(NamedTuple):
    source: str
    """An alias; `*`: each."""
    to: str
    """An alias, or `provider/model`."""
    share: float = 1.0
    """Of the calls, from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorPolicy:
    mirrors: tuple[Mirror, ...] = ()
    timeout: float = 60.0
    """Seconds for a whole copy."""
    max_in_flight: int = 100
    """Copies beyond it are dropped."""


_ROW: Mapping[str, Reader] = MappingProxyType({"from": text, "to": text, "share": number(0, 1)})


def _rows(value: Any, path: str) -> tuple[Mirror, ...]:
    if not isinstance(value, (list, tuple)):
        raise wrong(path, "a list of {from, to, share}", value)
    return tuple(_row(row, f"{path}[{position}]") for position, row in enumerate(value))


def _row(value: Any, path: str) -> Mirror:
    said = record(value, path, _ROW)
    for name in ("from", "to"):
        if name not in said:
            raise ConfigError(f"{path}.{name}: missing", param=f"{path}.{name}")
    return Mirror(said["from"], said["to"], said.get("share", 1.0))


def mirror_policy(value: Any, path: str) -> MirrorPolicy:
    """`[{from, to, share}]`, or `{mirrors: [...], timeout, max_in_flight}`. Raises `ConfigError`."""
    if isinstance(value, MirrorPolicy):
        return value
    if not isinstance(value, Mapping):
        return MirrorPolicy(mirrors=_rows(value, path))
    readers: dict[str, Reader] = {"mirrors": _rows, "timeout": seconds, "max_in_flight": whole(0, 1_000_000)}
    return MirrorPolicy(**record(value, path, readers))
