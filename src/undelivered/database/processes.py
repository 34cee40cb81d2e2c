"""PostgreSQL's processes of one cluster: which run, what state the server says it is in, and ending those left over.

A process counts as the cluster's own only if it is named `postgres`, belongs to the account and works in the cluster's
folder. Process ids in files are never believed: after a crash they may belong to anybody.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from undelivered.database.account import Account
from undelivered.database.errors import EmbeddedError
from undelivered.database.folders import SOCKET_NAME, Folders, read_small

# Fast shutdown, immediate shutdown, and what cannot be refused.
PATIENT = ((signal.SIGINT, 120), (signal.SIGQUIT, 20), (signal.SIGKILL, 10))
# For orphans: their server is gone, so there is nothing left to write down.
HASTY = ((signal.SIGINT, 1), (signal.SIGQUIT, 2), (signal.SIGKILL, 5))


def running(cluster: Path, account: Account) -> list[psutil.Process]:
    """The processes of this cluster."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            ours = process.name() == "postgres" and process.uids().real == account.uid
            if ours and _lives(process) and os.path.samefile(process.cwd(), cluster):
                found.append(process)
    return found


def end_leftovers(
    cluster: Path, account: Account, say: Callable[[str], None], steps: tuple[tuple[signal.Signals, int], ...] = PATIENT
) -> None:
    """End what a killed program left running on this cluster, as gently as it allows."""
    for number, patience in steps:
        left = running(cluster, account)
        if not left:
            return
        server = _servers(left)
        if server:
            say(f"Ending a PostgreSQL that was left running on this data directory (process {server[0].pid}).")
        for process in left if number == signal.SIGKILL else server:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        until = time.monotonic() + patience
        while any(map(_lives, left)) and time.monotonic() < until:
            time.sleep(0.02)
    if left := running(cluster, account):
        raise EmbeddedError(f"The process {left[0].pid} still uses {cluster} and cannot be ended. End it yourself.")


def _servers(left: list[psutil.Process]) -> list[psutil.Process]:
    """Those whose parent is not among them: the server itself, or orphans. Any may end while it is asked."""
    ids = {process.pid for process in left}
    found = []
    for process in left:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in ids:
                found.append(process)
    return found


def remove_stale_files(folders: Folders, socket_folder: Path) -> None:
    """Before a start, when none of the cluster's processes runs: files that would make PostgreSQL believe one does.

    PostgreSQL refuses to start when the process id in such a file belongs to any process of the same user.
    """
    for left in (folders.cluster / "postmaster.pid", *(socket_folder / f"{SOCKET_NAME}{end}" for end in ("", ".lock"))):
        left.unlink(missing_ok=True)


def state(cluster: Path, pid: int) -> str:
    """What the server with this process id says about itself: "starting", "ready", "stopping"; "" before it says so."""
    lines = (read_small(cluster / "postmaster.pid") or "").splitlines()
    # Lines 1 and 8: see LOCK_FILE_LINE_PID and LOCK_FILE_LINE_PM_STATUS of PostgreSQL's miscadmin.h.
    return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else ""


def _lives(process: psutil.Process) -> bool:
    """A process that has ended stays in the table until its parent asks for it, which may be never."""
    with contextlib.suppress(psutil.Error):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
