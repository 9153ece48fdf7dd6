"""python -m tools.catalogue [FOLDER]"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.catalogue._write import FOLDER, write

if __name__ == "__main__":
    print(write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))  # noqa: T201
