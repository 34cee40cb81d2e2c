"""The embedded PostgreSQL: a real server in the data directory, run as a supervised child of one program, its owner.

The owner starts it, restarts it when it dies and stops it at the end. Other commands attach to it. When the owner is
killed, the kernel tells PostgreSQL to shut down (Linux), and the next owner ends whatever is left (everywhere).
"""

import contextlib
import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from undelivered.database import cluster, processes, programs
from undelivered.database.account import Account, find_account
from undelivered.database.errors import EmbeddedError, OwnedByAnother
from undelivered.database.folders import (
    Folders,
    make_data_dir,
    prepare,
    prepare_for_server,
    read_small,
    remove_socket_folder,
    socket_folder,
    user_name,
)
from undelivered.database.lock import Lock, owner_of
from undelivered.database.programs import binary

__all__ = ["EmbeddedError", "EmbeddedPostgres", "OwnedByAnother", "attach", "binary", "make_data_dir"]

_logger = logging.getLogger(__name__)

SAY_EVERY = 5.0  # seconds, while waiting
# Seconds before the first, second ... start after a death; the last one from then on.
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY = 60.0  # a server that ran this long starts the back-off anew
FAST_SHUTDOWN = 60.0  # then the immediate one, which the next start recovers from
IMMEDIATE_SHUTDOWN = 15.0


class EmbeddedPostgres:
    """The owner of the server in one data directory. `start`, then `check` every second or so, then `stop`."""

    def __init__(
        self,
        data_dir: Path,
        *,
        say: Callable[[str], None] = _logger.info,
        fsync: bool = True,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self._folders = Folders(data_dir)
        self._say = say
        self._fsync = fsync
        self._extra = dict(extra or {})
        self._lock = Lock(self._folders.lock)
        self._process: subprocess.Popen[str] | None = None
        self._account: Account | None = None
        self._bin = Path()
        self._socket = Path()
        self._started = self._said = self._died = 0.0
        self._deaths = 0
        self._death_noted = False
        self._owner: int | None = None  # our process id: what is forked from us owns nothing
        self._turn = threading.RLock()  # `check` and `stop` may come from different threads
        # The kernel's "your parent died" means the thread that started the child: one that lives as long as we do.
        self._launcher: ThreadPoolExecutor | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id, while it has one."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> str:
        """Make the cluster if there is none, run the server, wait until it answers; its URL.

        Recovery after a crash takes as long as it takes: it is waited for without a limit.
        """
        if self._process is not None:
            return self._url()
        self._account = account = find_account()
        self._owner = os.getpid()
        try:
            prepare(self._folders, account)
            earlier = self._lock.acquire()
            self._lock.tell(None)
            exists = cluster.check_version(self._folders)
            processes.end_leftovers(self._folders.cluster, account, self._say)
            self._prepare(account, exists, earlier.socket)
            self._launcher = ThreadPoolExecutor(1, "postgresql-launcher")
            self._launch(account)
            while not self._ready():
                if self._process is None or self._process.poll() is not None:
                    raise EmbeddedError(f"PostgreSQL did not start: {self._last_words()}")
                time.sleep(0.02)
            self._verify()
        except OSError as error:
            self.stop()
            raise EmbeddedError(f"The embedded PostgreSQL in {self._folders.home} cannot start: {error}.") from error
        except BaseException:
            self.stop()
            raise
        self._lock.tell(self._socket)
        return self._url()

    def check(self) -> bool:
        """One turn of supervision: whether the server runs. One that died is started again, with back-off.

        Returns at once; while a server recovers from its crash, the answer stays False.
        """
        with self._turn:
            return self._check()

    def _check(self) -> bool:
        if self._process is None or self._account is None or self._owner != os.getpid():
            return False
        if self._process.poll() is None:
            ready = self._ready()
            if ready and self._deaths and time.monotonic() - self._started > STEADY:
                self._deaths = 0
            return ready
        if not self._death_noted:
            self._death_noted = True
            self._died = time.monotonic()
            self._say(
                f"PostgreSQL ended unexpectedly ({_ending(self._process)}); starting it again. {self._last_words()}"
            )
        if time.monotonic() - self._died < BACK_OFF[min(self._deaths, len(BACK_OFF) - 1)]:
            return False
        self._deaths += 1
        try:
            processes.end_leftovers(self._folders.cluster, self._account, self._say, processes.HASTY)
            self._launch(self._account)
        except (EmbeddedError, OSError) as error:
            self._died = time.monotonic()
            self._say(f"PostgreSQL could not be started again: {error}")
        return False

    def stop(self) -> None:
        """Stop the server: connections are closed, everything is written down. Twice is the same as once."""
        if self._owner == os.getpid():
            with self._turn:
                self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for number, patience in ((signal.SIGINT, FAST_SHUTDOWN), (signal.SIGQUIT, IMMEDIATE_SHUTDOWN)):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.send_signal(number)
                    process.wait(patience)
                    break
            else:
                process.kill()
                process.wait()
            remove_socket_folder(self._socket, self._folders)
        if self._launcher is not None:
            self._launcher.shutdown()
            self._launcher = None
        self._lock.release()

    def _prepare(self, account: Account, exists: bool, earlier_socket: str | None) -> None:
        """Everything on disk that the server needs."""
        home = self._folders.home
        self._bin = programs.copied_binaries(home) if account.separate else programs.binary("postgres").parent
        if not exists:
            self._say(f"Making a new database in {self._folders.cluster}.")
            cluster.make(self._folders, account, self._bin, self._fsync)
        elif cluster.read_password(self._folders) is None:
            self._say("The file with the database's password is missing; making a new password.")
            self._folders.cluster.joinpath("postmaster.pid").unlink(missing_ok=True)
            cluster.renew_password(self._folders, account, self._bin)
        cluster.remove_interrupted(self._folders)
        programs.remove_old_copies(home)
        prepare_for_server(self._folders, account)
        self._socket = socket_folder(self._folders, account, earlier_socket)

    def _launch(self, account: Account) -> None:
        """Start the server's process; none of the cluster's processes may be left."""
        assert self._launcher is not None
        processes.remove_stale_files(self._folders, self._socket)
        command = cluster.server_command(self._folders, self._bin, self._socket, self._fsync, self._extra)
        with open(self._folders.start_log, "w", encoding="utf-8", opener=_private) as log:
            self._process = self._launcher.submit(account.log, command, log).result()
        self._started = self._said = time.monotonic()
        self._death_noted = False

    def _ready(self) -> bool:
        """Whether the running server takes connections; says every few seconds that it does not yet."""
        if self._process is None or processes.state(self._folders.cluster, self._process.pid) == "ready":
            return self._process is not None and self._process.poll() is None
        now = time.monotonic()
        if now - self._said > SAY_EVERY:
            self._said = now
            seconds = round(now - self._started)
            self._say(f"PostgreSQL is not ready yet; after a crash it first repairs its files ({seconds} s so far).")
        return False

    def _verify(self) -> None:
        """The server that answers is ours, and takes our password."""
        try:
            psycopg.connect(self._url(), connect_timeout=30).close()
        except psycopg.OperationalError as error:
            raise EmbeddedError(
                f"PostgreSQL runs but refuses us: {str(error).strip()}. If its password was changed, remove the file "
                f"{self._folders.password} and start again: a new one is made."
            ) from error

    def _url(self) -> str:
        return _url(cluster.read_password(self._folders) or "", self._socket)

    def _last_words(self) -> str:
        """Why the server ended, in its own words."""
        logs = sorted(self._folders.log.glob("*.log"), key=lambda path: path.lstat().st_mtime)
        for path in (self._folders.start_log, *logs[-1:]):
            lines = (read_small(path) or "").splitlines()
            if faults := [line for line in lines[-50:] if re.search(r"FATAL|PANIC|cannot be run|gone", line)]:
                return f"{faults[-1].strip()} (more in {path})"
        return f"It gave no reason (its log is in {self._folders.log})."


def attach(data_dir: Path) -> str:
    """The URL of the server that another program runs in this data directory, for the same user or root."""
    folders = Folders(data_dir)
    try:
        owner = owner_of(folders.lock)
        password = cluster.read_password(folders)
    except OSError as error:
        raise EmbeddedError(
            f"The database in {folders.data_dir} is not open to {user_name(os.geteuid())}: {error.strerror}. Run this "
            "command as the user who runs Undelivered, or as root."
        ) from error
    if owner is None:
        raise EmbeddedError(
            f"No Undelivered is running with the data directory {folders.data_dir}, so its database is not running "
            "either. Start it with `undelivered run`, or set UNDELIVERED_DATA_DIR or UNDELIVERED_DATABASE_URL."
        )
    if owner.socket is None or password is None:
        raise EmbeddedError(
            f"The database in {folders.data_dir} is still starting (process {owner.pid}). Try again soon."
        )
    return _url(password, Path(owner.socket))


def _url(password: str, socket: Path) -> str:
    return f"postgresql://{cluster.ROLE}:{password}@/{cluster.DATABASE}?host={quote(str(socket))}&port={cluster.PORT}"


def _ending(process: "subprocess.Popen[str]") -> str:
    code = process.returncode
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
