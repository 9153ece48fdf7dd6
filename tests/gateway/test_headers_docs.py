"""docs/headers.md lists every header that the gateway reads or sends, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from dragoman.dialects.registry import dialects
from dragoman.gateway.http.response_headers import CALL_HEADERS, ERROR_HEADERS, PROVIDER_PREFIX

ROOT = Path(__file__).parents[2]
HEADERS = (ROOT / "docs" / "headers.md").read_text()
GATEWAY = "\n".join(file.read_text() for file in sorted((ROOT / "src" / "dragoman" / "gateway").rglob("*.py")))
_NAME = r"([a-z][a-z_]*(?:-[a-z_]+)*-?)"
OF_CALLS = {name.decode() for name, _ in (*CALL_HEADERS, *ERROR_HEADERS)} | {PROVIDER_PREFIX.decode()}
SENT = (
    set(re.findall(rf'\(b"{_NAME}"', GATEWAY))
    | OF_CALLS
    | {dialect.request_id_header.decode() for dialect in dialects()}
)
SENT -= {"alt"}  # a parameter of Gemini's addresses
READ = {name for dialect in dialects() for name in (*dialect.hint_headers, *dialect.client_headers)}
READ |= set(re.findall(rf'headers(?:\.get\(|\[)"{_NAME}"', GATEWAY))
READ |= set(re.findall(rf'"{_NAME}" (?:not )?in (?:\w+\.)?headers', GATEWAY))
NAMED = set(re.findall(r'(?<!b)"((?:x|anthropic|api)-[a-z]+(?:-[a-z]+)*)"', GATEWAY))


def rows(section: str) -> set[str]:
    table = HEADERS.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))


def test_every_header_that_the_gateway_reads_is_documented() -> None:
    assert len(READ | NAMED) > 10
    assert not (READ | NAMED) - rows("Requests") - {"x-request-id"}, "docs/headers.md, Requests"


def test_every_header_that_the_gateway_sends_is_documented() -> None:
    assert len(SENT) > 15
    assert not SENT - rows("Responses"), "docs/headers.md, Responses"


def test_every_documented_header_exists() -> None:
    listed = rows("Requests") | rows("Responses")
    assert not [header for header in listed - SENT - READ if f'"{header}"' not in GATEWAY]
