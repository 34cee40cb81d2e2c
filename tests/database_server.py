"""The database of a test session: one throw-away embedded server, or the one of UNDELIVERED_TEST_DATABASE_URL."""

import atexit
import fcntl
import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

from undelivered.database.embedded import EmbeddedPostgres

PREFIX = "undelivered-tests-"
# A session that was killed leaves its folder; one this old that nobody uses is removed.
OLD = 600.0
# What survives a crash matters to nobody here.
QUICK = {
    "synchronous_commit": "off",
    "autovacuum_naptime": "5min",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    "shared_buffers": "64MB",
}


@functools.cache
def test_server() -> str:
    """URL of the database `undelivered` on this session's server, started at the first call, stopped at exit."""
    if given := os.environ.get("UNDELIVERED_TEST_DATABASE_URL"):
        return given
    _remove_old()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o711)  # as root, PostgreSQL runs under an account of its own
    server = EmbeddedPostgres(folder / "data", fsync=False, extra=QUICK)
    url = server.start()
    mother = os.getpid()

    def stop() -> None:
        if os.getpid() == mother:  # a forked child of the session is not its end
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return url


test_server.__test__ = False  # type: ignore[attr-defined] # the name is not a test's


def _remove_old() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            status = folder.lstat()
            if status.st_uid != os.geteuid() or time.time() - status.st_mtime < OLD:
                continue
            with open(folder / "data" / "postgresql" / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
