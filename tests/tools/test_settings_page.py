"""docs/settings.md is what the tables of settings say."""

from __future__ import annotations

import re

import pytest

from dragoman.gateway.config.settings_table import REQUEST_PARAMS, SECTIONS
from tools import settings_page


def test_the_page_is_what_the_tables_say() -> None:
    assert settings_page.PAGE.read_text("utf-8") == settings_page.page(), "run python tools/settings_page.py"


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_every_setting_is_documented(section: str) -> None:
    for setting in SECTIONS[section].settings.values():
        assert setting.kind, setting.name
        assert setting.doc or setting.same_as, setting.name
        assert f"| `{setting.name}` |" in settings_page.page()


def test_the_parameters_of_the_request_are_listed() -> None:
    listed = settings_page.page().partition("leave them out:\n")[2].partition(".\n")[0]
    assert re.findall(r"`(\w+)`", listed) == list(REQUEST_PARAMS)


@pytest.mark.parametrize(
    "row",
    [
        "| `num_retries` | 0 to 100 | 2 | attempts beyond the first",
        "| `request_timeout` | seconds | 600 | `timeout` of `router_settings` |",
        "| `base_url` | text | the provider's address | another name for `api_base` |",
        "| `max_request_size_mb` | number | 32 |",
        "| `redis_prefix` | text | `dragoman` |",
        "| `drop_params` | boolean | false | as in `router_settings` |",
    ],
)
def test_a_row_has_kind_default_and_meaning(row: str) -> None:
    assert row in settings_page.page()
