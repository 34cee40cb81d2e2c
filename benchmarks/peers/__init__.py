"""What anyone would pick instead, each in its best configuration, as processes of their own in `.venv-bench`."""

from __future__ import annotations

from pathlib import Path

PYTHON = Path(__file__).resolve().parents[2] / ".venv-bench" / "bin" / "python"
MISSING = "the peers are not installed: `make bench` does that"


def installed() -> bool:
    return PYTHON.exists()
