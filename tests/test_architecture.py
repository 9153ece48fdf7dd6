"""The house rules that no linter knows."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import dragoman

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "dragoman"
FILES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN_NAMES = re.compile(r"(^|_)(utils?|helpers?|manager|handler|base)(_|\.py$|$)")
LITELLM_PATHS = {"src/dragoman/utils.py", "src/dragoman/types/utils.py"}
"""What half of LiteLLM's users import from; nothing is defined there."""
MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 40


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_have_good_names_and_sizes(path: Path) -> None:
    assert not FORBIDDEN_NAMES.search(path.name) or relative(path) in LITELLM_PATHS
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_functions_are_short_and_modules_keep_no_mutable_state(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= MAX_FUNCTION_LINES, f"{node.name} has {lines} lines"
        assert not isinstance(node, ast.Global), f"line {node.lineno}: a module global is changed"


def provider_names() -> set[str]:
    rows = tomllib.loads((SOURCE / "providers" / "openai_compatible.toml").read_text())
    listed = rows.get("provider") or rows.get("providers") or rows
    names = {row["name"] for row in listed} if isinstance(listed, list) else set(listed)
    return names | {"openai", "anthropic", "gemini", "groq", "mistral", "deepseek", "xai", "openrouter"}


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name != "simulator"], ids=relative)
def test_no_code_asks_for_a_provider_by_name(path: Path) -> None:
    names = provider_names()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        asked = any(
            (isinstance(side, ast.Name) and side.id == "provider")
            or (isinstance(side, ast.Attribute) and side.attr == "provider")
            or (isinstance(side, ast.Attribute) and side.attr == "name" and "provider" in ast.unparse(side.value))
            for side in sides
        )
        literal = any(isinstance(side, ast.Constant) and side.value in names for side in sides)
        assert not (asked and literal), f"line {node.lineno}: {ast.unparse(node)}"


def modules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(dragoman.__path__, "dragoman.")]


@pytest.mark.parametrize("name", [name for name in modules() if not name.endswith("__main__")])
def test_public_names_are_listed(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", None)
    if listed is not None:
        assert len(listed) == len(set(listed))
        missing = [item for item in listed if not hasattr(module, item)]
        assert not missing
    tree = ast.parse(Path(module.__file__ or "").read_text())
    public = {
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
    }
    assert public <= set(listed or ()), "define __all__ or make these private"


def test_the_core_needs_few_dependencies_and_pins_none_from_above() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    everything = [*project["dependencies"], *project["optional-dependencies"]["gateway"]]
    assert len(project["dependencies"]) <= 5
    assert not [requirement for requirement in everything if re.search(r"<|==|~=", requirement.split(";")[0])]


def names_tested(path: Path) -> Iterator[str]:
    """Yield the comparisons of an operation or a dialect with a name that is written in the code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Compare):
            continue
        sides = (node.left, *node.comparators)
        subjects = {getattr(side, "attr", getattr(side, "id", "")) for side in sides}
        words = any(isinstance(leaf, ast.Constant) and leaf.value for side in sides for leaf in ast.walk(side))
        if words and subjects & {"operation", "operation_name", "dialect"}:
            yield ast.unparse(node)


@pytest.mark.parametrize("path", [p for p in FILES if "simulator" not in p.parts], ids=relative)
def test_no_code_tests_the_name_of_an_operation_or_a_dialect(path: Path) -> None:
    assert list(names_tested(path)) == []


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text


def private_imports(path: Path) -> Iterator[str]:
    """Yield what a file imports of the private modules and names of other rooms."""
    package = path.relative_to(SOURCE.parent).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dragoman")):
            continue
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
            parts = str(name).split(".")
            first = next(
                (at for at, part in enumerate(parts) if part.startswith("_") and not part.endswith("__")), None
            )
            if first is not None and package[:first] != tuple(parts[:first]):
                yield str(name)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_private_module_is_imported_across_rooms(path: Path) -> None:
    assert list(private_imports(path)) == []
