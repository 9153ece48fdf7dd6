"""The pages about providers: the table is up to date, and what the newcomer is shown runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import dragoman
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.providers import Providers, address

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-provider.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


class Upstream(ThreadingHTTPServer):
    """Answers as an OpenAI-compatible server, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, self.headers["authorization"], body))
        message = {"role": "assistant", "content": f"Hello from {body['model']}"}
        reply = {
            "id": "c-1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4},
        }
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """Stands where the pages' addresses lead, by the variables that replace them."""
    with Upstream() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PERSIMMON_BASE_URL", f"{server.address}/v1")
        monkeypatch.setenv("QUINCE_BASE_URL", f"{server.address}/v1")
        monkeypatch.setenv("MEDLAR_HOST", server.address)
        for name in ("PERSIMMON", "MEDLAR", "QUINCE"):
            monkeypatch.setenv(f"{name}_API_KEY", f"key-of-{name.lower()}")
        yield server
        server.shutdown()


def test_the_table_of_providers_is_up_to_date() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'tools'); import providers_page as p; print(p.page(), end='')",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ROOT / "docs" / "providers.md").read_text() == done.stdout, "run python tools/providers_page.py"


def test_every_key_of_a_row_is_in_the_page_and_no_other() -> None:
    from dragoman.providers import _mapping

    documented = set(re.findall(r"^\| `[^|]*\|", PAGE, re.MULTILINE))
    keys = {key for cell in documented for key in re.findall(r"`(\w+)`", cell)}
    assert keys | {"api_base_env", "param_mappings", "constraints", "supported_endpoints", "special_handling"} == set(
        _mapping._KEYS
    )


def test_the_code_runs(upstream: Upstream, capsys: pytest.CaptureFixture[str]) -> None:
    for code in blocks("python"):
        if "register_provider" in code:
            exec(compile(code, "add-a-provider.md", "exec"), {})
    assert capsys.readouterr().out == "Hello from ripe-70b\nHello from soft\n"
    assert [(path, key) for path, key, _ in upstream.asked] == [
        ("/v1/chat/completions", "Bearer key-of-persimmon"),
        ("/v1/chat/completions", "Bearer key-of-medlar"),
    ]
    with pytest.raises(dragoman.UnsupportedParamsError):
        dragoman.completion("medlar/soft", [{"role": "user", "content": "Hello"}], seed=1)


def test_the_yaml_is_a_configuration() -> None:
    first, accented = map(yaml.safe_load, blocks("yaml"))
    config = parse_config({**first, "general_settings": {"master_key": "sk-" + "a1B2" * 8}}, {})
    assert config.providers.find("persimmon").base_url == "https://api.persimmon.example/v1"
    assert config.providers.resolve("persimmon/ripe-70b")[1] == "ripe-70b"
    config = parse_config({**first, **accented}, {})
    assert config.providers.find("persimmon").accent.renamed == {"top_k": "k"}


def test_the_package_builds_and_is_found(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    (project,) = blocks("toml")
    module = next(code for code in blocks("python") if code.startswith("PROVIDER"))
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(project)
    (source / "dragoman_quince.py").write_text(module)
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(site)], cwd=source, check=True)
    with zipfile.ZipFile(next(site.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    known = Providers()
    provider, model = known.resolve("cydonia/ripe")
    assert (provider.name, model) == ("quince", "ripe")
    assert provider is known.find("quince")
    assert address(provider, provider.endpoints["chat"], api_base=None) == f"{upstream.address}/v1/chat/completions"
    router = dragoman.Router(providers=known)
    reply = router.completion("quince/ripe", [{"role": "user", "content": "Hello"}])
    assert reply.choices[0].message.content == "Hello from ripe"
