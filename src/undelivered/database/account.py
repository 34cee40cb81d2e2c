"""The user account PostgreSQL runs under: our own, or, since it refuses root, one that root makes for it."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from undelivered.database.errors import EmbeddedError

SYSTEM_USER = "undelivered"
LAUNCH = Path(__file__).with_name("launch.py")
# Nothing of the caller's environment: PGDATA, PGOPTIONS, LANG ... would change what the programs do.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Account:
    """Who PostgreSQL runs as. `separate` when we are root and it gets an account of its own."""

    name: str
    uid: int
    gid: int
    separate: bool

    def popen(self, command: Sequence[str | Path], **streams: Any) -> "subprocess.Popen[str]":
        """Start a command under this account, in a session of its own: Ctrl-C in our terminal does not reach it."""
        become = (str(self.uid), str(self.gid)) if self.separate else ("-", "-")
        arguments = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), *become, *map(str, command)]
        return subprocess.Popen(  # noqa: S603 - the commands are ours
            arguments, cwd="/", env=ENVIRONMENT, start_new_session=True, text=True, errors="replace", **streams
        )

    def run(self, command: Sequence[str | Path], text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command under this account to its end; stdout and stderr come back as one text."""
        with self.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                output, _ = process.communicate(text)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, output)

    def log(self, command: Sequence[str | Path], stream: IO[str]) -> "subprocess.Popen[str]":
        """Start a command under this account whose words go to a file."""
        return self.popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT)


def find_account() -> Account:
    """The account for PostgreSQL. Root makes the system user when it is missing."""
    uid = os.geteuid()
    if uid != 0:
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            raise EmbeddedError(
                f"The user id {uid} has no entry in the password database, and PostgreSQL does not run without one. "
                "Add the user to /etc/passwd, run Undelivered as an existing user or as root, or set "
                "UNDELIVERED_DATABASE_URL to an external PostgreSQL."
            ) from None
        return Account(name, uid, os.getegid(), separate=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _make_system_user()
    if entry.pw_uid == 0:
        raise EmbeddedError(f"The user {SYSTEM_USER!r} has root's user id, and PostgreSQL refuses to run as root.")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, separate=True)


def _make_system_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=ENVIRONMENT["PATH"])
    advice = f"Make a system user named {SYSTEM_USER!r}, or run Undelivered as an ordinary user."
    if useradd is None:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and there is no useradd to make a user for it. {advice}"
        )
    made = subprocess.run(  # noqa: S603 - fixed arguments
        [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
         "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        return pwd.getpwnam(SYSTEM_USER)  # also when another program made it a moment ago
    except KeyError:
        reason = made.stderr.strip() or f"exit code {made.returncode}"
        raise EmbeddedError(f"PostgreSQL refuses to run as root, and useradd failed: {reason}. {advice}") from None
