"""Measures, and prints a table. It takes less than two minutes, and ends only what it started."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import choice
from bench.load import Load, as_argument
from bench.processes import Cores, cores
from bench.subjects import Subject, Upstreams, subjects, upstreams

_CONNECTIONS = 32
_STREAMS = 32
_CHUNKS_PER_SECOND = 100.0
_SECONDS = 4.0
_ROUNDS = 2
_PACED_SHARE = 0.7
_FASTEST_PACE = 1000.0
_MESSAGES = [{"role": "user", "content": "Say something, please. " * 8}]


@dataclass(frozen=True)
class Case:
    """What is asked. A bare proxy can only do what needs no translation."""

    name: str
    path: str
    body: dict[str, object]
    model: str
    translated: bool = False

    def load(self, subject: Subject, connections: int, seconds: float, rate: float = 0.0) -> Load:
        headers = {"authorization": f"Bearer {subject.key or 'sk-upstream'}"}
        path = self.path if subject.speaks or self.model == "whole" else f"/streamed{self.path}"
        body = json.dumps({"model": self.model} | self.body)
        return Load(subject.port, path, headers, body, connections, seconds, rate)


@dataclass(frozen=True)
class Row:
    subject: str
    case: str
    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


_CHAT: dict[str, object] = {"messages": _MESSAGES}
_MESSAGE: dict[str, object] = {"messages": _MESSAGES, "max_tokens": 500}
WHOLE = Case("OpenAI to OpenAI", "/v1/chat/completions", _CHAT, "whole")
WHOLE_TRANSLATED = Case("Anthropic to OpenAI", "/v1/messages", _MESSAGE, "whole", True)
STREAMED = Case("OpenAI to OpenAI", "/v1/chat/completions", _CHAT | {"stream": True}, "streamed")
STREAMED_TRANSLATED = Case("Anthropic to OpenAI", "/v1/messages", _MESSAGE | {"stream": True}, "streamed", True)


def measured(load: Load, core: int) -> dict[str, float]:
    """What the load generator, on its own core, saw."""
    command = [sys.executable, "-m", "bench.load", as_argument(load)]
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        timeout=load.seconds + 30,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def by_wrk(load: Load, core: int, folder: Path) -> dict[str, float]:
    """The same from `wrk`, which asks much faster."""
    script = folder / "request.lua"
    named = {"content-type": "application/json"} | load.headers
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{load.body}]==]"]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in named.items()]
    script.write_text("\n".join(lines))
    url = f"http://127.0.0.1:{load.port}{load.path}"
    command = ["wrk", "-t1", f"-c{load.connections}", f"-d{load.seconds:.0f}s", "-s", str(script), url]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    )
    counted = re.search(r"(\d+) requests in ([\d.]+)s", done.stdout)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    if counted is None:
        raise RuntimeError(done.stdout)
    return {
        "requests": int(counted[1]),
        "seconds": float(counted[2]),
        "errors": int(refused[1]) if refused else 0,
    }


def fastest(load: Load, at: Cores, folder: Path) -> dict[str, float]:
    return by_wrk(load, at.load, folder) if shutil.which("wrk") else measured(load, at.load)


def whole(subject: Subject, case: Case, at: Cores, folder: Path, baseline: Subject) -> Row:
    """CPU and throughput at full load; then the latency at a share of that, beside the upstream's own at the same rate."""
    fastest(case.load(subject, _CONNECTIONS, 1), at, folder)
    rounds: list[tuple[float, float]] = []
    errors = 0.0
    for _ in range(_ROUNDS):
        before = subject.running.cpu_seconds()
        full = fastest(case.load(subject, _CONNECTIONS, _SECONDS / _ROUNDS), at, folder)
        cost = (subject.running.cpu_seconds() - before) / full["requests"] * 1e6
        rounds.append((cost, full["requests"] / full["seconds"]))
        errors += full["errors"]
    # The better of the rounds: what else the machine did can only make them worse.
    cost, per_second = min(cost for cost, _ in rounds), max(rate for _, rate in rounds)
    load = case.load(subject, _CONNECTIONS, 1.5, min(per_second * _PACED_SHARE, _FASTEST_PACE))
    through, direct = [], []
    for _ in range(_ROUNDS):
        through.append(measured(load, at.load))
        direct.append(measured(WHOLE.load(baseline, _CONNECTIONS, 1.5, load.rate), at.load))
    added = [(min(r[name] for r in through) - min(r[name] for r in direct)) * 1000 for name in ("p50", "p99")]
    errors += sum(found["errors"] for found in through)
    return Row(subject.name, case.name, cost, per_second, added[0], added[1], int(errors))


def streamed(subject: Subject, case: Case, at: Cores) -> Row:
    """CPU per chunk, with many streams at once that are paced by their upstream."""
    measured(case.load(subject, _STREAMS, 0.5), at.load)
    costs: list[float] = []
    for _ in range(_ROUNDS):
        before = subject.running.cpu_seconds()
        found = measured(case.load(subject, _STREAMS, _SECONDS / _ROUNDS), at.load)
        costs.append((subject.running.cpu_seconds() - before) / max(found["chunks"], 1) * 1e6)
    return Row(subject.name, case.name, min(costs), found["chunks"] / found["seconds"], 0, 0, int(found["errors"]))


@contextmanager
def nothing_between(up: Upstreams) -> Iterator[Subject]:
    """The upstream itself, as the baseline of latency."""
    yield Subject("upstream", up.whole, "", None, False)  # type: ignore[arg-type]


def main() -> None:
    choice.main()
    at = cores()
    wholes: list[Row] = []
    streams: list[Row] = []
    weights: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as name, upstreams(Path(name), at.load, _CHUNKS_PER_SECOND) as up:
        folder = Path(name)
        with nothing_between(up) as baseline:
            for start in subjects():
                with start(folder, at.subject, up) as subject:
                    print(f"measuring {subject.name} ...", file=sys.stderr)
                    cases = [WHOLE, WHOLE_TRANSLATED] if subject.speaks else [WHOLE]
                    wholes += [whole(subject, case, at, folder, baseline) for case in cases]
                    cases = [STREAMED, STREAMED_TRANSLATED] if subject.speaks else [STREAMED]
                    streams += [streamed(subject, case, at) for case in cases]
                    weights.append((subject.name, subject.running.rss_megabytes(), subject.running.ready_seconds))
        show(wholes, streams, weights, up, at)


def show(
    wholes: list[Row], streams: list[Row], weights: list[tuple[str, float, float]], up: Upstreams, at: Cores
) -> None:
    alone = "; one core for all: nothing can be compared" if at.subject == at.load else ""
    tool = "wrk" if shutil.which("wrk") else "an own client"
    print(
        f"\nPython {platform.python_version()}; upstream: {up.kind}; load: {tool}, {_CONNECTIONS} connections{alone}\n"
    )
    measure = wholes[0].cpu_us
    print(
        f"| whole answers | dialects | CPU us/request | x {wholes[0].subject} | requests/s | added p50 ms | added p99 ms | errors |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for row in wholes:
        numbers = f"{row.cpu_us:.0f} | {row.cpu_us / measure:.1f} | {row.per_second:,.0f} | {row.p50_ms:.2f} | {row.p99_ms:.2f}"
        print(f"| {row.subject} | {row.case} | {numbers} | {row.errors} |")
    measure = streams[0].cpu_us
    print(f"\n| streams | dialects | CPU us/chunk | x {streams[0].subject} | chunks/s asked for and given | errors |")
    print("|---|---|---|---|---|---|")
    for row in streams:
        numbers = f"{row.cpu_us:.1f} | {row.cpu_us / measure:.1f} | {row.per_second:,.0f}"
        print(f"| {row.subject} | {row.case} | {numbers} | {row.errors} |")
    print("\n| process | RSS MB after the load | ready s |\n|---|---|---|")
    for name, megabytes, seconds in weights:
        print(f"| {name} | {megabytes:.0f} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
