"""The docs cannot rot: what exists is documented, and what is documented exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

import dragoman
from dragoman.dialects.registry import dialects
from dragoman.errors import DragomanError
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.routes import RouteTable

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EVERYTHING = "\n".join(page.read_text() for page in PAGES)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        if "://" in target:
            continue
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), f"{target}#{anchor}"


def test_the_tests_that_pages_name_exist() -> None:
    named = set(re.findall(r"`((?:\w+/)*test_\w+\.py)`", (ROOT / "docs" / "requirements.md").read_text()))
    assert not [test for test in named if not (ROOT / "tests" / test).exists()]


def test_every_page_stands_in_the_table_of_contents() -> None:
    contents = (ROOT / "docs" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", contents))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_holds_the_marks_of_a_merge(page: Path) -> None:
    assert not re.search(r"^(<{7}|={7}|>{7})", page.read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_in_docs_is_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        ast.parse(block)


CONFIGURATIONS = [
    (name(page), text)
    for page in PAGES
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    if "model_list:" in text
]


@pytest.mark.parametrize(("page", "text"), CONFIGURATIONS)
def test_configurations_in_docs_are_configurations(page: str, text: str) -> None:
    variables = dict.fromkeys(re.findall(r"os\.environ/(\w+)", text), "sk-f3hQ0sL2mZx8Vw7R")
    variables |= {"REDIS_URL": "redis://127.0.0.1:6379/0"}
    assert parse_config(yaml.safe_load(text), variables).unsupported == ()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE):
        assert command in targets


@pytest.mark.parametrize("public", sorted(dragoman.__all__))
def test_every_public_name_is_documented(public: str) -> None:
    assert re.search(rf"\b{re.escape(public)}\b", EVERYTHING)


def test_every_route_is_documented() -> None:
    missing = [route for route in RouteTable(dialects()).exact if route not in EVERYTHING]
    assert not missing


READABLE = [*PAGES, *sorted((ROOT / "examples").glob("*.py")), ROOT / "src" / "dragoman" / "cli" / "demo.py"]
OLD_ON_PURPOSE = {"models.md": {"gpt-3.5-turbo-0125", "gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-20240513", "gpt-5"}}
"""Names by which a page explains its rules for names."""


@pytest.mark.parametrize("page", READABLE, ids=name)
def test_no_page_names_a_model_that_the_provider_shuts_down(page: Path) -> None:
    """Deterministic on purpose: an announced date is enough, so that the test does not fail overnight."""
    text = page.read_text()
    named = set(re.findall(r"\b(?:openai|anthropic|gemini|groq|mistral|xai|deepseek)/[\w.:/-]*[\w]", text))
    named |= set(re.findall(r"[`\"]((?:gpt|claude|gemini)-[\w.-]*\w)[`\"]", text))
    named -= OLD_ON_PURPOSE.get(page.name, set())
    ending = {model: str(entry.deprecation_date) for model in named if (entry := known(model)) and entry.deprecated}
    assert not ending


def known(model: str) -> dragoman.ModelEntry | None:
    try:
        return dragoman.model_entry(model)
    except DragomanError:
        return None
