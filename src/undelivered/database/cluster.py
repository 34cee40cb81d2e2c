"""The database cluster on disk: made once and all at once, checked at every start, and how it is configured."""

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from undelivered.database import programs
from undelivered.database.account import Account
from undelivered.database.errors import EmbeddedError
from undelivered.database.folders import Folders, read_small, write_whole

ROLE = "undelivered"
DATABASE = "undelivered"
# Only the socket's name has it; said everywhere, since libpq would take PGPORT instead.
PORT = "5432"
# Its password is never set, and pg_hba.conf asks for one: nobody signs in as the superuser.
SUPERUSER = "postgres"

INITDB = (
    f"--username={SUPERUSER}",
    "--encoding=UTF8",
    # PostgreSQL's own C.UTF-8: the same order of texts on every system, whatever its C library does.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    # For a server that someone starts by hand; ours has its own pg_hba.conf.
    "--auth-local=reject",
    "--auth-host=reject",
    "--no-instructions",
)

CONFIGURATION = """\
# Written by Undelivered at every start: changes here are lost.
# Your own settings belong into local.conf beside this file (readable for the account PostgreSQL runs under).
max_connections = 200
shared_buffers = 128MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
wal_level = replica
# One file for each day of the week.
logging_collector = on
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] '
"""

ACCESS = """\
# Written by Undelivered at every start: changes here are lost.
# Only through the socket, and only with the password in the file `password`.
local all         all scram-sha-256
local replication all scram-sha-256
"""


def check_version(folders: Folders) -> bool:
    """Whether there is a cluster. One that this PostgreSQL cannot open stops everything, before anything is touched."""
    found = read_small(folders.cluster / "PG_VERSION")
    if found is None:
        if folders.cluster.exists() and any(folders.cluster.iterdir()):
            raise EmbeddedError(
                f"{folders.cluster} is not empty, and not a database of PostgreSQL either (it has no PG_VERSION). "
                "Restore it from your backup, or move it away to begin with an empty database."
            )
        return False
    if found.strip() != str(programs.MAJOR):
        raise EmbeddedError(
            f"The database in {folders.cluster} was made by PostgreSQL {found.strip()[:10]}, and this version of "
            f"Undelivered brings PostgreSQL {programs.MAJOR}, which cannot open it. Nothing was changed. Start the "
            f"earlier version of Undelivered once more, dump the database with pg_dump, move {folders.home} away, "
            "start this version and restore the dump with pg_restore (docs/embedded-postgresql.md has the commands)."
        )
    return True


def make(folders: Folders, account: Account, bin_folder: Path, fsync: bool) -> None:
    """Make the cluster, its role and database. They get their final place at the end: all is there, or nothing."""
    remove_interrupted(folders)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=folders.home))
    if account.separate:
        os.chown(new, account.uid, account.gid, follow_symlinks=False)
    made = account.run([bin_folder / "initdb", "-D", new / "data", *INITDB, *([] if fsync else ["--no-sync"])])
    if made.returncode != 0:
        raise EmbeddedError(f"PostgreSQL's initdb could not make a database in {new}: {_last_line(made.stdout)}")
    password = read_password(folders) or write_password(folders)
    _single_user(
        new / "data",
        account,
        bin_folder,
        f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
        f"GRANT pg_monitor TO {ROLE}",
        f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
    )
    (new / "data").rename(folders.cluster)
    new.rmdir()
    if fsync:
        _sync(folders.home)


def remove_interrupted(folders: Folders) -> None:
    """What is left of a first start that was interrupted."""
    for left in folders.home.glob("new-*"):
        shutil.rmtree(left, ignore_errors=True)


def read_password(folders: Folders) -> str | None:
    """The role's password; None when the file is missing or damaged."""
    found = (read_small(folders.password) or "").strip()
    return found if re.fullmatch(r"[\w-]{20,}", found, re.ASCII) else None


def write_password(folders: Folders) -> str:
    """A new password, for us alone."""
    password = secrets.token_urlsafe(32)
    write_whole(folders.password, password + "\n", 0o600)
    return password


def renew_password(folders: Folders, account: Account, bin_folder: Path) -> None:
    """The file with the password was lost: the cluster gets a new one (the server does not run yet)."""
    password = write_password(folders)
    try:
        _single_user(folders.cluster, account, bin_folder, f"ALTER ROLE {ROLE} PASSWORD '{password}'")
    except BaseException:
        folders.password.unlink()
        raise


def server_command(
    folders: Folders, bin_folder: Path, socket_folder: Path, fsync: bool, extra: Mapping[str, str]
) -> list[str | Path]:
    """The command that runs the server. The guard rails come last: they win over local.conf and over `extra`."""
    local = "include 'local.conf'\n" if (folders.home / "local.conf").exists() else ""
    write_whole(folders.configuration, CONFIGURATION + local, 0o644)
    write_whole(folders.access, ACCESS, 0o644)
    guard_rails = {
        "config_file": str(folders.configuration),
        "hba_file": str(folders.access),
        "ident_file": str(folders.cluster / "pg_ident.conf"),
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "log_directory": str(folders.log),
        "fsync": "on" if fsync else "off",
        "full_page_writes": "on" if fsync else "off",
    }
    settings = [f"{name}={value}" for name, value in {**extra, **guard_rails}.items()]
    return [bin_folder / "postgres", "-D", folders.cluster, *(f"--{setting}" for setting in settings)]


def _single_user(cluster: Path, account: Account, bin_folder: Path, *statements: str) -> None:
    """Statements as the superuser, without a server: each on a line of its own."""
    command: list[str | Path] = [
        bin_folder / "postgres",
        "--single",
        "-D",
        cluster,
        "-c",
        "exit_on_error=on",
        "-c",
        "log_statement=none",
    ]
    done = account.run([*command, "postgres"], "".join(f"{statement}\n" for statement in statements))
    if done.returncode != 0:
        raise EmbeddedError(f"The database in {cluster} could not be prepared: {_last_line(done.stdout)}")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    faults = [line for line in lines if re.search(r"FATAL|PANIC|error:|ERROR|cannot", line)]
    return (faults or lines or ["it said nothing"])[0]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
