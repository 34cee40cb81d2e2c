"""Redis out of Debian's package, for Celery: with its append-only file, written to disk every second."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import _debian
from benchmarks._helper import end

PACKAGES = ("redis-tools", "liblzf1", "libjemalloc2", "libatomic1")  # the server is a link to a program of the tools


def why_not() -> str:
    return "" if _debian.unpacked(*PACKAGES) else "Debian's package of Redis is not to be had here"


@contextmanager
def redis() -> Iterator[str]:
    """The URL of a server on a socket of its own."""
    root = _debian.unpacked(*PACKAGES)
    assert root is not None
    home = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-redis-"))
    server = home / "redis-server"  # the name by which it knows what it is
    server.symlink_to(root / "usr" / "bin" / "redis-check-rdb")
    path = home / "socket"
    process = subprocess.Popen(
        [str(server), "--port", "0", "--unixsocket", str(path), "--dir", str(home), "--appendonly", "yes"],
        env=_debian.environment(root),
        stdout=subprocess.DEVNULL,
    )
    try:
        while not path.exists():
            assert process.poll() is None, "Redis ended at once"
            time.sleep(0.02)
        yield str(path)
    finally:
        end(process)
        shutil.rmtree(home, ignore_errors=True)
