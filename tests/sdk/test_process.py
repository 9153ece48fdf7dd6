"""What only a process of its own can show: the cost of importing, threads, loops, forks, and a clean end. Each runs with
warnings as errors, and whatever it writes to stderr fails the test."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.routing.upstream import Upstream, eventually

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
START = """
import asyncio, os, threading
import dragoman
HELLO = [{"role": "user", "content": "Hello"}]
"""


def run(code: str, upstream: Upstream | None = None, *arguments: str) -> str:
    """What `code` prints, in an interpreter of its own."""
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    for provider in ("openai", "anthropic", "gemini") if upstream else ():
        environment[f"{provider.upper()}_API_KEY"] = "sk-" + "secret" * 4
        environment[f"{provider.upper()}_API_BASE"] = upstream.base(provider) if upstream else ""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_importing_is_cheap_quiet_and_starts_nothing() -> None:
    told = run(
        """
        import sys, threading, time
        before = set(sys.modules)
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096 / 2**20
        start = time.process_time()
        import dragoman
        spent = time.process_time() - start
        added = {name.partition(".")[0] for name in set(sys.modules) - before}
        assert not added & {"aiohttp", "pydantic", "asyncio", "ssl", "socket", "orjson", "uvicorn"}, added
        assert threading.active_count() == 1
        print(len(set(sys.modules) - before), round(spent * 1000), round(resident()))
        """
    )
    modules, milliseconds, megabytes = map(int, told.split())
    assert modules < 60
    assert milliseconds < 100
    assert megabytes < 40


def test_the_functions_of_a_call_are_imported_without_what_a_call_needs() -> None:
    names = "acompletion acount_tokens aembedding atext_completion completion embedding text_completion"
    run(
        f"""
        import sys
        before = set(sys.modules)
        from dragoman import {names.replace(" ", ", ")}, RateLimitError
        added = {{name.partition(".")[0] for name in set(sys.modules) - before}}
        assert not added & {{"aiohttp", "pydantic", "asyncio", "ssl", "orjson"}}, added
        assert len(set(sys.modules) - before) < 60
        """
    )


def test_the_imports_of_the_first_call_run_beside_the_loop() -> None:
    run(
        """
        import asyncio, sys, threading
        from dragoman import acompletion
        where = set()
        class Watch:
            def find_spec(self, name, path=None, target=None):
                if name.startswith("dragoman.sdk._default_router"):
                    where.add(threading.current_thread())
        sys.meta_path.insert(0, Watch())
        async def main():
            hello = [{"role": "user", "content": "Hello"}]
            answers = await asyncio.gather(*(acompletion("openai/m", hello, mock_response="Hi") for _ in range(3)))
            assert {answer.choices[0].message.content for answer in answers} == {"Hi"}
        asyncio.run(main())
        assert where and threading.main_thread() not in where, where
        """
    )


def test_all_names_are_there_and_nothing_is_printed() -> None:
    run(
        "import dragoman\nfor name in dragoman.__all__: getattr(dragoman, name)\nassert set(dragoman.__all__) <= set(dir(dragoman))"
    )


def test_plain_scripts(upstream: Upstream) -> None:
    run(
        START
        + """
for provider in ("openai", "anthropic", "gemini"):
    assert "Hello" in dragoman.completion(provider + "/sim", HELLO).choices[0].message.content
    assert "Hello" in "".join(c.choices[0].delta.content or "" for c in dragoman.completion(provider + "/sim", HELLO, stream=True))
left = dragoman.completion("openai/sim[stall=4]", HELLO, stream=True)
next(left)
""",
        upstream,
    )


def test_inside_of_a_running_loop_and_in_many_loops(upstream: Upstream) -> None:
    run(
        START
        + """
async def notebook():
    assert "Hello" in dragoman.completion("openai/sim", HELLO).choices[0].message.content
    stream = await dragoman.acompletion("openai/sim[stall=4]", HELLO, stream=True)
    await anext(stream)
    texts = await asyncio.gather(*(dragoman.acompletion("anthropic/sim", HELLO) for _ in range(5)))
    assert all("Hello" in text.choices[0].message.content for text in texts)
for _ in range(5):
    asyncio.run(notebook())
""",
        upstream,
    )
    assert len(upstream.calls) == 35


def test_fifty_threads_and_five_loops_do_not_mix(upstream: Upstream) -> None:
    run(
        START
        + """
wrong = []
def check(word, text):
    if word + "." not in text + ".": wrong.append((word, text))
def ask(word): return [{"role": "user", "content": word}]
def plain(number):
    word = f"plain-{number}-x"
    check(word, dragoman.completion("openai/sim", ask(word)).choices[0].message.content)
    chunks = dragoman.completion("gemini/sim", ask(word), stream=True)
    check(word, "".join(c.choices[0].delta.content or "" for c in chunks))
async def looped(number):
    async def one(turn):
        word = f"loop-{number}-{turn}-x"
        check(word, (await dragoman.acompletion("anthropic/sim", ask(word))).choices[0].message.content)
    await asyncio.gather(*(one(turn) for turn in range(5)))
threads = [threading.Thread(target=plain, args=(n,)) for n in range(50)]
threads += [threading.Thread(target=lambda n=n: asyncio.run(looped(n))) for n in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not wrong, wrong[:3]
""",
        upstream,
    )
    assert len(upstream.calls) == 125


def test_after_a_fork(upstream: Upstream) -> None:
    run(
        START
        + """
def ask(): return dragoman.completion("openai/sim", HELLO).choices[0].message.content
first = ask()
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        try:
            assert ask() == first
            assert asyncio.run(dragoman.acompletion("openai/sim", HELLO)).choices[0].message.content == first
        except BaseException:
            import traceback; traceback.print_exc(); os._exit(1)
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
assert ask() == first
child = os.fork()
if child == 0:
    raise SystemExit(0 if ask() == first else 1)
assert os.waitpid(child, 0)[1] == 0
assert ask() == first
""",
        upstream,
    )


def test_an_interrupt_ends_a_call_and_its_upstream(upstream: Upstream) -> None:
    run(
        START
        + """
import json, signal, sys, time, urllib.request
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start its background jobs without
def interrupt():
    while True:
        with urllib.request.urlopen(sys.argv[1] + "/_simulator/calls") as answer:
            if json.load(answer)["count"]: break
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    dragoman.completion("openai/sim[hang]", HELLO)
except KeyboardInterrupt:
    sys.exit(0)
sys.exit(1)
""",
        upstream,
        upstream.address,
    )
    eventually(lambda: upstream.calls[0].closed_early)


@pytest.mark.parametrize(
    "command",
    [["mypy", "--strict", "--no-incremental", "--cache-dir=/dev/null"], ["basedpyright", "-p"]],
    ids=["mypy", "basedpyright"],
)
def test_examples_pass_strict_type_checkers(command: list[str], tmp_path: Path) -> None:
    target = str(EXAMPLES)
    if command[0] == "basedpyright":
        settings = {"include": [target], "typeCheckingMode": "strict", "venvPath": str(ROOT), "venv": ".venv"}
        target = str(tmp_path / "pyrightconfig.json")
        Path(target).write_text(json.dumps(settings))
    checker = Path(sys.executable).with_name(command[0])
    if not checker.exists():
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([checker, *command[1:], target], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_examples_run(upstream: Upstream, name: str) -> None:
    model = "openai/sim"
    code = f"""
        import os, runpy, sys
        os.environ.update(DRAGOMAN_EXAMPLE_MODEL={model!r}, DRAGOMAN_EXAMPLE_EMBEDDER={model!r})
        sys.argv = ["example", *({[model]!r} if {name!r} == "chat" else [])]
        runpy.run_path({str(EXAMPLES / name) + ".py"!r}, run_name="__main__")
        """
    assert re.search(r"\w", run(code, upstream))
