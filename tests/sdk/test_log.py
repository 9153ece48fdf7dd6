"""The SDK's log: the same lines as the gateway's, quiet until the application wants them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import dragoman
from dragoman.sdk.settings import SETTINGS
from tests.routing.upstream import Upstream

_PROGRAM = """
import dragoman, json, logging, sys
{setup}
models = json.loads(sys.argv[1])
router = dragoman.Router(models, fallbacks=[{{"broken": ["works"]}}], num_retries=0{arguments})
assert router.completion("broken", [{{"role": "user", "content": "the words of a prompt"}}]).choices
"""


def log_of(upstream: Upstream, setup: str = "", arguments: str = "") -> str:
    """Return what a program writes on its standard error when a deployment of its fails and another answers."""
    access = {"api_base": upstream.base("openai"), "api_key": "sk-secret-key"}
    models = [
        {"model_name": name, "litellm_params": {"model": f"openai/{model}", **access}}
        for name, model in {"broken": "sim[error=401]", "works": "sim"}.items()
    ]
    program = _PROGRAM.format(setup=setup, arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, json.dumps(models)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "words of a prompt" not in done.stderr
    assert "sk-secret-key" not in done.stderr
    return done.stderr


def test_it_is_quiet_in_an_application_without_a_log(upstream: Upstream) -> None:
    assert log_of(upstream) == ""


@pytest.mark.parametrize(
    ("setup", "arguments", "debugging"),
    [
        ("logging.basicConfig()", "", False),
        ("logging.basicConfig(level=logging.DEBUG)", "", True),
        ("logging.getLogger('dragoman').addHandler(logging.StreamHandler())", "", False),
        ("dragoman.set_verbose = True", "", True),
        ("", ", set_verbose=True", True),
        ("", ", set_verbose=True, debug_level='INFO'", False),
        ("logging.basicConfig(); dragoman.set_verbose = True", "", True),
        ("dragoman.set_verbose = True; dragoman.set_verbose = False; logging.basicConfig()", "", False),
    ],
)
def test_it_tells_what_the_gateway_tells(upstream: Upstream, setup: str, arguments: str, debugging: bool) -> None:
    text = log_of(upstream, setup, arguments)
    assert text.count("broken:0 (openai/sim[error=401]) failed: 401 AuthenticationError (invalid_api_key)") == 1
    assert text.count("the key of broken:0 (credential:openai:") == 1
    assert text.count("broken failed (AuthenticationError), the call goes on to works") == 1
    assert text.count("works:0 (openai/sim) answered: chat") == debugging


@pytest.fixture
def _quiet() -> Iterator[None]:
    yield
    dragoman.set_verbose = False


@pytest.mark.usefixtures("_quiet")
def test_a_setting_that_can_be_read_and_taken_back() -> None:
    module: Any = dragoman
    module.set_verbose = True
    assert SETTINGS.set_verbose
    del module.set_verbose
    assert module.set_verbose is False
    with pytest.raises(dragoman.ConfigError, match="debug_level: expected one of DEBUG, INFO"):
        dragoman.Router(set_verbose=True, debug_level="LOUD")
