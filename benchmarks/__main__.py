"""`python -m benchmarks [NAME ...] [--quick|--full]`: run some measurements or all of them.

A measurement is a module here with a `main()` that prints a table and, as its last line, one JSON object with `name`,
`value`, `unit`, `peer`, `peer_value` and `ratio` (value / peer_value).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    return sorted(f.stem for f in HERE.glob("*.py") if not f.stem.startswith("_"))


def run(wanted: list[str]) -> int:
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    for name in wanted or names():
        print(f"== {name}")
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    for flag in ("--quick", "--full"):  # fewer and shorter rounds; a million where it is usually less
        if flag in sys.argv:
            os.environ[f"BENCH_{flag[2:].upper()}"] = "1"
    sys.exit(run([name for name in sys.argv[1:] if not name.startswith("--")]))
