"""Files that a configuration names: never waited for, and never read without an end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dragoman.errors import ConfigError

__all__ = ["read_file"]

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
"""A named pipe is examined without waiting for a program that writes to it."""


def read_file(path: Path, limit: int, *, is_pipe_allowed: bool = False) -> bytes:
    """Return what a regular file holds, at most `limit` bytes and one more. Raises `ConfigError`.

    A shell makes a pipe for `--config <(...)`; it is read to its end."""
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, _FLAGS)) as file:
            kind = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(kind) and not (is_pipe_allowed and stat.S_ISFIFO(kind)):
                raise ConfigError(f"{path}: cannot be read: is not a regular file")
            os.set_blocking(file.fileno(), True)
            return file.read(limit + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: cannot be read: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
