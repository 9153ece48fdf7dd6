"""What is measured: Dragoman, and beside it a bare nginx and a bare Envoy as proxies of the same upstream."""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Running, free_port, started

__all__ = ["Subject", "Upstreams", "dragoman", "envoy", "nginx", "subjects", "upstreams"]


@dataclass(frozen=True)
class Upstreams:
    """Ports: of the static answer, and of the stream that comes chunk by chunk."""

    whole: int
    streamed: int
    kind: str


@dataclass(frozen=True)
class Subject:
    name: str
    port: int
    key: str
    running: Running
    speaks: bool
    """Whether it understands what passes through it."""


_ANSWER = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1750000000,
    "model": "sim",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "word " * 100},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 20, "completion_tokens": 100, "total_tokens": 120},
}
_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_max_body_size 32m; client_body_buffer_size 1m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {upstream}
  server {{ listen 127.0.0.1:{port} backlog=4096; default_type application/json; {server} }}
}}
"""
_PROXY = "location / {{ proxy_pass http://up{n}; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; }}"


@contextlib.contextmanager
def _nginx(folder: Path, core: int, upstream: str, server: str) -> Iterator[tuple[int, Running]]:
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, upstream=upstream, port=port, server=server))
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    with started([binary, "-p", str(folder), "-c", str(config)], core, f"http://127.0.0.1:{port}/") as running:
        yield port, running


def _has_nginx() -> bool:
    return bool(shutil.which("nginx") or Path("/usr/sbin/nginx").exists())


@contextlib.contextmanager
def upstreams(folder: Path, core: int, chunks_per_second: float) -> Iterator[Upstreams]:
    """A static answer by nginx where there is one, else by the simulator; streams by the simulator."""
    with contextlib.ExitStack() as stack:
        streamed = free_port()
        simulate = [sys.executable, "-m", "dragoman", "simulate", "--fast", "--port"]
        pace = ["--rate", str(chunks_per_second)]
        stack.enter_context(
            started([*simulate, str(streamed), *pace], core, f"http://127.0.0.1:{streamed}/_simulator/health")
        )
        if not _has_nginx():
            yield Upstreams(streamed, streamed, "the simulator")
            return
        server = f"location / {{ return 200 '{json.dumps(_ANSWER)}'; }}"
        whole, _ = stack.enter_context(_nginx(folder / "upstream", core, "", server))
        yield Upstreams(whole, streamed, "nginx")


@contextlib.contextmanager
def nginx(folder: Path, core: int, up: Upstreams) -> Iterator[Subject]:
    named = "".join(
        f"upstream up{n} {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 100000000; }}"
        for n, port in enumerate((up.whole, up.streamed))
    )
    server = _PROXY.format(n=0) + _PROXY.format(n=1).replace("location /", "location /streamed/").replace("up1", "up1/")
    with _nginx(folder / "nginx", core, named, server) as (port, running):
        yield Subject("nginx", port, "", running, False)


@contextlib.contextmanager
def envoy(folder: Path, core: int, up: Upstreams) -> Iterator[Subject]:
    port = free_port()

    def cluster(name: str, target: int) -> dict[str, object]:
        address = {"socket_address": {"address": "127.0.0.1", "port_value": target}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
        return {
            "name": name,
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": endpoints},
        }

    streamed = {
        "match": {"prefix": "/streamed/"},
        "route": {"cluster": "streamed", "prefix_rewrite": "/", "timeout": "0s"},
    }
    routes = [streamed, {"match": {"prefix": "/"}, "route": {"cluster": "whole"}}]
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": filters}],
    }
    config = folder / "envoy.json"
    resources = {"listeners": [listener], "clusters": [cluster("whole", up.whole), cluster("streamed", up.streamed)]}
    config.write_text(json.dumps({"static_resources": resources}))
    command = [
        _envoy_binary() or "envoy",
        "-c",
        str(config),
        "--concurrency",
        "1",
        "--log-level",
        "off",
        "--disable-hot-restart",
    ]
    with started(command, core, f"http://127.0.0.1:{port}/") as running:
        yield Subject("Envoy", port, "", running, False)


def _envoy_binary() -> str | None:
    beside = Path(sys.executable).with_name("envoy")
    return str(beside) if beside.exists() else shutil.which("envoy")


@contextlib.contextmanager
def dragoman(folder: Path, core: int, up: Upstreams) -> Iterator[Subject]:
    port, key = free_port(), "sk-" + secrets.token_urlsafe(32)

    def deployment(alias: str, target: int) -> dict[str, object]:
        base = f"http://127.0.0.1:{target}/v1"
        return {
            "model_name": alias,
            "litellm_params": {"model": "openai/sim", "api_base": base, "api_key": "sk-upstream"},
        }

    config = folder / "dragoman.yaml"
    models = [deployment("whole", up.whole), deployment("streamed", up.streamed)]
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": key}}))
    command = [sys.executable, "-m", "dragoman", "serve", "--config", str(config), "--port", str(port)]
    with started(command, core, f"http://127.0.0.1:{port}/health/liveliness") as running:
        yield Subject("Dragoman", port, key, running, True)


def subjects() -> list[Callable[[Path, int, Upstreams], contextlib.AbstractContextManager[Subject]]]:
    """Those that are installed; Envoy first, for it is the measure."""
    found: list[Callable[[Path, int, Upstreams], contextlib.AbstractContextManager[Subject]]] = []
    if _envoy_binary():
        found.append(envoy)
    if _has_nginx():
        found.append(nginx)
    return [*found, dragoman]
