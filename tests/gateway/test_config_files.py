"""Files of a configuration are foreign input: what explodes, never ends or goes in circles is refused, with its place."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from dragoman.errors import ConfigError
from dragoman.gateway.config.files import load
from dragoman.gateway.config.gateway_config import read_config
from dragoman.gateway.config.validate import is_nested_under

MODEL = "- {model_name: a, params: {model: openai/gpt-4o, api_key: abcdefgh}}\n"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)
)
MERGES = "a: &a {k: v}\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{', '.join(['*' + chr(97 + n)] * 10)}]}}\n" for n in range(9)
)


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LAUGHS, "line 6, column 4: stands for more than 1,000,000 values"),
        (MERGES, "stands for more than 1,000,000 values"),
        ("model_list: &x [*x]\n", "line 1, column 13: an alias stands within what it refers to"),
        ("a: &x {b: {c: [*x]}}\n", "an alias stands within what it refers to"),
        ("a: &x {<<: *x}\n", "an alias stands within what it refers to"),
        (f"a: {'[' * 200}{']' * 200}\n", "is nested more than 100 levels deep"),
        (f"a: {'[' * 50_000}\n", "is nested more than 100 levels deep"),
        (f"{'- ' * 50_000}\n", "is nested more than 100 levels deep"),
        (f"a: {'9' * 200}\n", "a number or a date has at most 128 characters"),
        (f"a: 1{':59' * 5000}\n", "a number or a date has at most 128 characters"),
        ("a: 2026-13-45\n", "a number or a date in this file cannot be read"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_held_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert told in refusal(path)


def test_aliases_and_merge_keys_are_as_good_as_what_they_stand_for(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("x: &x {a: 1, b: [2]}\ny: [*x, *x]\nz: {<<: *x, a: 3}\n")
    assert load(path).values == {
        "x": {"a": 1, "b": [2]},
        "y": [{"a": 1, "b": [2]}] * 2,
        "z": {"a": 3, "b": [2]},
    }


def test_only_regular_files_are_included(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("/dev/zero", "pipe", "folder"):
        path = tmp_path / "c.yaml"
        path.write_text(f"include: {name}\nmodel_list:\n{MODEL}")
        assert "cannot be read: is" in refusal(path).lower()
    assert "is not a regular file" in refusal(Path("/dev/zero"))


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(2**40)
    path = tmp_path / "c.yaml"
    path.write_text("include: huge.yaml\n")
    assert "at most 32 MB" in refusal(path)


def test_a_pipe_may_be_the_first_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, f"model_list:\n{MODEL}".encode())
    os.close(writer)
    try:
        assert read_config(Path(f"/dev/fd/{reader}"), {}).deployments[0].alias == "a"
    finally:
        os.close(reader)


def test_a_fan_of_includes_is_read_once_per_file(tmp_path: Path) -> None:
    depth = 30
    for number in range(depth):
        (tmp_path / f"{number}.yaml").write_text(f"include: [{number + 1}.yaml, {number + 1}.yaml]\n")
    (tmp_path / f"{depth}.yaml").write_text(f"model_list:\n{MODEL}")
    assert len(read_config(tmp_path / "0.yaml", {}).deployments) == 1


def test_there_are_not_endlessly_many_files(tmp_path: Path) -> None:
    for number in range(150):
        (tmp_path / f"{number}.yaml").write_text(f"include: {number + 1}.yaml\n")
    assert "at most 100 files" in refusal(tmp_path / "0.yaml")


def test_faults_are_told_with_their_lines_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(f"model_list:\n{MODEL}- model_name: gpt-4.1\n  params: {{modl: openai/x}}\n")
    path = tmp_path / "c.yaml"
    path.write_text(
        f"include: more.yaml\nmodel_list:\n{MODEL.replace('a,', 'b,')}- model_name: c\n  params:\n    model: openai/gpt-4o\n"
        "    timeout: soon\ngeneral_setings: {}\nrouter_settings:\n  fallbacks:\n  - a: [b]\n  - b: [c]\n  - gpt-4.1: [bb]\n"
    )
    assert refusal(path).splitlines() == [
        "line 7: model_list[3].params.timeout: expected a number of seconds, got a text",
        "line 8: general_setings: unknown key (did you mean 'general_settings'?)",
        "line 13: router_settings.fallbacks.gpt-4.1: 'bb' is not in model_list (did you mean 'b'?)",
        f"{tmp_path / 'more.yaml'}, line 4: model_list[1].params.modl: unknown key (did you mean 'model'?)",
        f"{tmp_path / 'more.yaml'}, line 4: model_list[1].params.model: expected a model such as `openai/gpt-6.1-sol`",
    ]


def test_faults_of_an_entry_are_told_once_and_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "port: 4000\nmodel_list:\n- model_name: a\n  litellm_params:\n  model: openai/gpt-4o\n  api_key: sk-abcdefgh\n"
        "- model_name:\n- model_name:\n"
        "- model_name: c\n  litellm_params: {model: claude/opus, api_key: abcdefgh}\n"
        "- model_name: d\n  litelm_params: {model: openai/gpt-4o}\n"
    )
    assert refusal(path).splitlines() == [
        "line 1: port: unknown key; pass --port to `dragoman serve`",
        "line 5: model_list[0].model: unknown key; it belongs under litellm_params: indent it",
        "line 6: model_list[0].api_key: unknown key; it belongs under litellm_params: indent it",
        "line 7: model_list[1].model_name: expected the name that callers use",
        "line 7: model_list[1].litellm_params.model: expected a model such as `openai/gpt-6.1-sol`",
        "line 8: model_list[2].model_name: expected the name that callers use",
        "line 8: model_list[2].litellm_params.model: expected a model such as `openai/gpt-6.1-sol`",
        "line 10: model_list[3].litellm_params.model: unknown provider 'claude' (did you mean 'anthropic'?)",
        "line 12: model_list[4].litelm_params: unknown key (did you mean 'litellm_params'?)",
    ]


@pytest.mark.parametrize(
    "text", ["model_list:\n\t- a\n", "model_list:\n- model_name: a\n\tlitellm_params: {}\n", "a:\n  b: 1\n\tc: 2\n"]
)
def test_a_tab_is_called_a_tab(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert "a tab: YAML is indented with spaces" in refusal(path)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("max_tokens", "abc", "an integer"),
        ("temperature", "hot", "a number"),
        ("stop", 3, "a string or an array of strings"),
        ("tools", "foo", "an array"),
        ("response_format", "json", "an object"),
        ("reasoning_effort", 3, "a string"),
        ("parallel_tool_calls", "yes please", "true or false"),
    ],
)
def test_a_parameter_that_every_call_would_be_refused_for_is_refused_at_once(
    tmp_path: Path, name: str, value: object, expected: str
) -> None:
    path = tmp_path / "c.yaml"
    params = {"model": "openai/gpt-4o", name: value}
    path.write_text(json.dumps({"model_list": [{"model_name": "a", "params": params}]}))
    assert f"model_list[0].params.{name}: expected {expected}, got " in refusal(path)


def test_parameters_of_the_environment_have_their_types(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    own = {"max_tokens": "os.environ/MOST", "temperature": "os.environ/HEAT", "parallel_tool_calls": "os.environ/MANY"}
    path.write_text(json.dumps({"model_list": [{"model_name": "a", "params": {"model": "openai/gpt-4o", **own}}]}))
    [deployment] = read_config(path, {"MOST": "5", "HEAT": "0.5", "MANY": "false"}).deployments
    assert deployment.params == {"max_tokens": 5, "temperature": 0.5, "parallel_tool_calls": False}


def calls_made(path: Path) -> int:
    """Calls of Python functions and of built-in ones while a configuration is read."""
    count = 0

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        read_config(path, {})
    except ConfigError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("wrong", [False, True])
def test_the_work_grows_with_the_number_of_deployments(tmp_path: Path, wrong: bool) -> None:
    def written(count: int) -> Path:
        models = "".join(
            f"- {{model_name: m{n}, params: {{model: openai/gpt-4o, api_key: key-{n:08}{', tempratur: 1' if wrong else ''}}}}}\n"
            for n in range(count)
        )
        fallbacks = "".join(f"  - m{n}: [{'gone' if wrong else 'm'}{n + 1}]\n" for n in range(count - 1))
        path = tmp_path / f"{count}.yaml"
        path.write_text(f"model_list:\n{models}router_settings:\n  fallbacks:\n{fallbacks}")
        return path

    calls_made(written(10))  # imports, and tables that are read once
    fewer, more = calls_made(written(400)), calls_made(written(1600))
    assert more < 5 * fewer


def test_many_problems_are_counted_and_the_first_hundred_shown(tmp_path: Path) -> None:
    entry = "- {model_name: smart, litellm_params: {modell: openai/gpt-6.1-sol, timeout: soon}}\n"
    path = tmp_path / "config.yaml"
    path.write_text("model_list:\n" + entry * 60)
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    lines = caught.value.message.splitlines()
    assert len(lines) == 101
    assert lines[0].startswith("line 2: model_list[0]")
    assert lines[-1].startswith("and ")
    assert lines[-1].endswith(" more problems")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("model_list[1]", True),
        ("model_list[1].params.model", True),
        ("model_list[1][2]", True),
        ("model_list[10].params", False),
        ("model_list", False),
    ],
)
def test_a_path_is_nested_under_its_ancestors(path: str, expected: bool) -> None:
    assert is_nested_under(path, {"model_list[1]"}) is expected
