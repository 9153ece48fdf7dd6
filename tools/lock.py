"""Write requirements/<set>.txt: every distribution of a set, pinned, with hashes and without addresses."""

from __future__ import annotations

import subprocess
import sys

_SETS = {
    "gateway": ["pyproject.toml", "--extra", "gateway"],
    "build": ["requirements/build.in"],
    "dev": ["pyproject.toml", "--extra", "gateway", "--group", "dev"],
}


def main(name: str) -> None:
    command = ["uv", "pip", "compile", *_SETS[name], "--output-file", f"requirements/{name}.txt", "--quiet"]
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    # pip accepts a pin for `google-auth[requests]` only where the extra stands in the lock itself.
    options += ["--no-strip-extras", "--no-emit-index-url", "--no-emit-find-links"]
    subprocess.run([*command, *options], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
