"""A setting as one record: its names, reader and default, and what the reference says about it.

A setting stands in one place, the field of the record that it fills:

    num_retries: int = setting(2, whole(0, 100), "attempts beyond the first, for one call")

`settings_of` collects the fields of a record, and of the records inside it, into the table of a section of the
configuration; docs/settings.md is generated from these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from dragoman.settings.readers import Reader, kind_of

__all__ = ["MISSING", "Setting", "fill", "row", "setting", "settings_of"]

_KEY = "dragoman.setting"
_NESTED = "dragoman.nested"
_Record = TypeVar("_Record")
MISSING: Any = object()
"""In place of a default: the setting is required, or its default depends on something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One name that users write."""

    name: str
    section: str
    """Where it may stand: `router_settings`."""
    field: str
    """The field that it fills; `health.cooldown` is one of the record in the field `health`."""
    read: Reader
    doc: str
    """One line in Markdown. Empty for another name of the same setting, see `same_as`."""
    kind: str
    """What may be written: `seconds`, `0 to 100`."""
    default: Any = MISSING
    """The value of the field where nothing is written."""
    shown_default: str | None = None
    """How the reference shows the default where the value does not say it."""
    factor: int = 1
    """What the number that is written is multiplied by: 2**20 for megabytes."""
    same_as: str = ""
    """The name of which this is another one, `section.name` if it stands elsewhere."""

    def scaled(self, value: Any) -> Any:
        """Return a value that was read in the unit of the field: bytes for megabytes."""
        return value if self.factor == 1 else int(value * self.factor)


def row(
    name: str, read: Reader, doc: str, *, fills: str = "", also: tuple[str, ...] = (), kind: str = "", shown: str = ""
) -> tuple[Setting, ...]:
    """Return a setting of a section that fills no single record, with its other names."""
    first = Setting(
        name=name, section="", field=fills or name, read=read, doc=doc, kind=kind or kind_of(read), shown_default=shown
    )
    return first, *(replace(first, name=other, doc="", same_as=name, shown_default="") for other in also)


def setting(
    default: Any = MISSING,
    read: Reader = lambda value, path: value,
    doc: str = "",
    *,
    factory: Callable[[], Any] | None = None,
    name: str = "",
    section: str = "",
    also: tuple[str, ...] = (),
    kind: str = "",
    shown: str | None = None,
    factor: int = 1,
    nested: bool = False,
    is_secret: bool = False,
) -> Any:
    """Return a dataclass field that users set, with its default (or the `factory` of it).

    `name` and `section` are the field's own name and the section of the record if left out. `also` has its other names:
    `timeout` in the same section, `litellm_settings.request_timeout` in another one. `doc` is one line in Markdown.
    `nested`: the fields of the record in this field are settings as well."""
    described = {
        "name": name,
        "section": section,
        "also": also,
        "read": read,
        "doc": doc,
        "kind": kind or kind_of(read),
        "shown_default": shown,
        "factor": factor,
    }
    metadata = {_KEY: MappingProxyType(described), _NESTED: nested}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata, repr=not is_secret)
    return field(default=default, metadata=metadata, repr=not is_secret)


def settings_of(record: Any, section: str, prefix: str = "") -> Iterator[Setting]:
    """Yield the settings of a dataclass and of the dataclasses in its fields. `record` holds the defaults.

    `section` is where those stand that do not name theirs."""
    for each in fields(record):
        default = getattr(record, each.name)
        described = each.metadata.get(_KEY)
        if described is not None:
            yield from _names(each.name, prefix, section, default, described)
        if is_dataclass(default) and each.metadata.get(_NESTED, True):
            yield from settings_of(default, section, f"{prefix}{each.name}.")


def _names(field_name: str, prefix: str, section: str, default: Any, described: Mapping[str, Any]) -> Iterator[Setting]:
    """Yield a setting under each of its names."""
    values = {key: value for key, value in described.items() if key != "also"}
    values |= {"name": described["name"] or field_name, "section": described["section"] or section}
    first = Setting(**values, field=prefix + field_name, default=default)
    yield first
    for other in described["also"]:
        elsewhere, _, name = other.rpartition(".")
        same_as = f"{first.section}.{first.name}" if elsewhere else first.name
        yield replace(first, section=elsewhere or first.section, name=name, doc="", same_as=same_as)


def fill(record: _Record, values: Mapping[str, Any]) -> _Record:
    """Return the record with `values` in its fields; `health.cooldown` is a field of the record in the field `health`."""
    own = {name: value for name, value in values.items() if "." not in name}
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        outer, _, inner = name.partition(".")
        if inner:
            parts.setdefault(outer, {})[inner] = value
    filled: Any = replace(record, **own)  # type: ignore[type-var]
    filled = replace(filled, **{name: fill(getattr(filled, name), inner) for name, inner in parts.items()})
    result: _Record = filled
    return result
