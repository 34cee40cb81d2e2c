"""Folders for tests of the embedded PostgreSQL that its own account can reach, and servers in them that are quick."""

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from undelivered.database.account import find_account
from undelivered.database.embedded import EmbeddedPostgres

# For programs that tests start: our sources, and the packages we have.
PYTHONPATH = os.pathsep.join(map(str, (Path(__file__).parents[2] / "src", Path(psycopg.__file__).parents[1])))
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="what root does differently")


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """pytest's own tmp_path is closed to other accounts; this folder can be passed through."""
    folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="undelivered-scratch-")))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def shared_data_dir() -> Path:
    """One cluster for all tests of a session that do not need a fresh one; each starts and stops its server itself."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch_folder()) / "data"


def quick(data_dir: Path, said: list[str] | None = None) -> EmbeddedPostgres:
    said = [] if said is None else said
    return EmbeddedPostgres(data_dir, fsync=False, say=said.append)


def until(done: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def ended(process: psutil.Process) -> bool:
    """Whether a process is at its end, be it that nobody has asked for its exit code yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it went between the two questions
        return True


def run_as(uid: int, *arguments: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run Python as another user: ours, or (when ours is in root's home) the system's of the same version."""
    who: dict[str, Any] = {
        "user": uid,
        "group": uid,
        "extra_groups": [],
        "capture_output": True,
        "text": True,
        "check": False,
    }
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PYTHONPATH, **options.pop("env", {})}
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        with contextlib.suppress(OSError):
            probe = subprocess.run([python, "-Bc", "import psycopg, psutil"], env=environment, cwd="/", **who)
            if probe.returncode == 0:
                return subprocess.run([python, "-B", *arguments], env=environment, **{"cwd": "/", **who, **options})
    pytest.skip(f"another user can run neither {sys.executable} nor {system}")


def start_owner(data_dir: Path) -> tuple["subprocess.Popen[str]", psutil.Process]:
    """Another program that owns a server, and that server's process."""
    code = (
        "import sys, pathlib; from undelivered.database.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), fsync=False)\n"
        "server.start(); print(server.pid, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, data_dir],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout
    return owner, psutil.Process(int(owner.stdout.readline()))


def fake_cluster(data_dir: Path, version: str) -> Path:
    """A cluster's folder that only says which version made it."""
    account = find_account()
    folder = data_dir / "postgresql" / "data"
    folder.mkdir(parents=True)
    (folder / "PG_VERSION").write_text(f"{version}\n")
    if account.separate:
        os.chown(folder, account.uid, account.gid)
    return folder
