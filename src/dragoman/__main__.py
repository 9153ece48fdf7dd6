"""`dragoman` on the command line, which belongs to the gateway extra."""

from __future__ import annotations

import sys

from dragoman._install import install_command


def main() -> None:
    try:
        from dragoman.cli.main import run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("dragoman"):
            raise
        sys.exit(f"The gateway is not installed ({error.name} is missing): {install_command('gateway')}")
    run()


if __name__ == "__main__":
    main()
