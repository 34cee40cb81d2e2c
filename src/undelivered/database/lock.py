"""The lock on a data directory: who runs PostgreSQL in it, and where its socket is."""

import contextlib
import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from undelivered.database.errors import OwnedByAnother

# `attach` looks by taking the lock for a moment; an owner that starts just then tries again this long.
PATIENCE = 1.0


@dataclass(frozen=True)
class Owner:
    """What the lock file says: the program that runs PostgreSQL, and the socket's folder once there is one."""

    pid: int | None
    socket: str | None


class Lock:
    """An exclusive lock that the kernel releases when the program ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        # A process that is forked from us must not keep the lock when we are gone.
        os.register_at_fork(after_in_child=self._forget)

    def acquire(self) -> Owner:
        """Take the lock; what the previous owner had written comes back."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + PATIENCE
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > until:
                owner = _read(descriptor)
                os.close(descriptor)
                raise OwnedByAnother(
                    f"Undelivered is already running with this data directory (process {owner.pid or 'unknown'}, lock "
                    f"{self._path}). Stop that program first, or set UNDELIVERED_DATA_DIR to another directory."
                )
            time.sleep(0.02)
        self._descriptor = descriptor
        return _read(descriptor)

    def tell(self, socket: Path | None) -> None:
        """Write down who we are, and the socket's folder for those who want to attach."""
        if self._descriptor is not None:
            text = json.dumps({"pid": os.getpid(), "socket": None if socket is None else str(socket)})
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)

    def release(self) -> None:
        """Let the next owner in."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _forget(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def owner_of(path: Path) -> Owner | None:
    """Who holds the lock; None when nobody does. Raises OSError when we may not look."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _read(descriptor)
    finally:
        os.close(descriptor)


def _try(descriptor: int, kind: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        return True
    return False


def _read(descriptor: int) -> Owner:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return Owner(int(found["pid"]), found["socket"])
    except (ValueError, KeyError, TypeError):
        return Owner(None, None)
