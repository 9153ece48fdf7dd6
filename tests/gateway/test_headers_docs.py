"""docs/headers.md lists every header that the gateway reads or sends, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADERS = (ROOT / "docs" / "headers.md").read_text()
GATEWAY = "\n".join(file.read_text() for file in sorted((ROOT / "src" / "dragoman" / "gateway").rglob("*.py")))
_NAME = r"([a-z][a-z_]*(?:-[a-z_]+)*-?)"
SENT = set(re.findall(rf'\(b"{_NAME}"', GATEWAY)) | set(re.findall(rf'request_id_header=b"{_NAME}"', GATEWAY))
SENT -= {"alt"}  # a parameter of Gemini's addresses
READ = set(re.findall(rf'headers(?:\.get\(|\[)"{_NAME}"', GATEWAY)) | set(
    re.findall(rf'"{_NAME}" (?:not )?in (?:\w+\.)?headers', GATEWAY)
)
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
    assert not [header for header in listed if f'"{header}"' not in GATEWAY]
