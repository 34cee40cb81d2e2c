"""Programs to measure against, out of Debian's packages: unpacked into a temporary folder, nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.gettempdir()) / "undelivered-benchmark-debian"


def unpacked(*packages: str) -> Path | None:
    """The folder that holds these packages, as if it were the root; None where that is not possible."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        return None
    for package in packages:
        done = FOLDER / f".{package}"
        if done.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o777)  # apt downloads as a user of its own
            try:
                _run(["apt-get", "download", package], folder)
                [file] = Path(folder).glob(f"{package}_*.deb")
                FOLDER.mkdir(exist_ok=True)
                _run(["dpkg", "-x", str(file), str(FOLDER)], folder)
            except (OSError, subprocess.SubprocessError, ValueError):
                return None
        done.touch()
    return FOLDER


def _run(command: list[str], folder: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


def environment(root: Path) -> dict[str, str]:
    """Where the unpacked programs find their libraries."""
    libraries = [root / "usr" / "lib" / "postfix", *_multiarch(root)]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(str(folder) for folder in dict.fromkeys(libraries))}


def _multiarch(root: Path) -> list[Path]:
    return sorted((root / "usr" / "lib").glob("*-linux-gnu"))
