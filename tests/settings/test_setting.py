"""A setting stands once, in the field that it fills."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest

from dragoman.gateway.config.server_settings import ServerSettings
from dragoman.routing import CallOptions, RouterSettings
from dragoman.settings.readers import seconds, whole
from dragoman.settings.setting import fill, setting, settings_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    size: int = setting(2**20, whole(1), "the largest", name="size_mb", factor=2**20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    timeout: float = setting(3.0, seconds, "how long", also=("wait", "older.request_timeout"))
    limits: Limits = field(default_factory=Limits)
    internal: int = 7


def test_a_table_has_each_name_with_its_default_and_its_section() -> None:
    table = [(item.section, item.name, item.field, item.default, item.same_as) for item in settings_of(Example(), "x")]
    assert table == [
        ("x", "timeout", "timeout", 3.0, ""),
        ("x", "wait", "timeout", 3.0, "timeout"),
        ("older", "request_timeout", "timeout", 3.0, "x.timeout"),
        ("x", "size_mb", "limits.size", 2**20, ""),
    ]


def test_values_fill_the_record_and_the_records_inside_it() -> None:
    size = next(item for item in settings_of(Example(), "x") if item.name == "size_mb")
    filled = fill(Example(), {"timeout": 5, size.field: size.scaled(0.5)})
    assert filled == Example(timeout=5, limits=Limits(size=2**19))
    assert Example() == Example(timeout=3.0)


@pytest.mark.parametrize(
    "record", [RouterSettings(), ServerSettings(), CallOptions()], ids=lambda it: type(it).__name__
)
def test_no_name_stands_twice_and_every_reader_accepts_the_default(record: object) -> None:
    table = list(settings_of(record, "here"))
    assert len({(item.section, item.name) for item in table}) == len(table)
    for item in table:
        if isinstance(item.default, int | float) and item.factor > 1:
            assert item.scaled(item.read(item.default / item.factor, "here")) == item.default
        elif isinstance(item.default, bool | int | float | str):
            assert item.read(item.default, "here") == item.default


def test_a_secret_is_not_shown() -> None:
    assert "hidden-key" not in repr(ServerSettings(master_key="hidden-key"))
    assert "hidden-key" not in repr(CallOptions(api_key="hidden-key", extra_headers={"x-key": "hidden-key"}))
    assert not [each for each in dataclasses.fields(RouterSettings().redis) if each.repr and "password" in each.name]
