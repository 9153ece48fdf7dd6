"""Run all tests with coverage: those of pure code in one process, and beside it those that mostly wait for sockets and clocks."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

_PURE = ("credentials", "dialects", "matrix", "models", "providers", "tools", "types")
"""Folders of `tests`."""
_RUN = (sys.executable, "-m", "coverage", "run", "--parallel-mode", "-m", "pytest")


def main() -> int:
    """The worse of the two exit codes. What the pure tests say is shown when the others are done."""
    folders = [str(Path("tests", name)) for name in _PURE]
    with tempfile.TemporaryFile() as said:
        pure = subprocess.Popen([*_RUN, *folders], stdout=said, stderr=subprocess.STDOUT)
        try:
            others = subprocess.run([*_RUN, *(f"--ignore={folder}" for folder in folders)], check=False).returncode
            found = pure.wait()
        finally:
            pure.kill()
        said.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(said.read())
        sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet"], check=True)
    return others or found


if __name__ == "__main__":
    sys.exit(main())
